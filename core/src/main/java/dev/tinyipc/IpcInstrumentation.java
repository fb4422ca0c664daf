package dev.tinyipc;

import java.util.Map;

/**
 * Accompanies exchanges, for traces and metrics: those that this process asks for, and
 * those that it answers. Implementations are thread-safe and do not block. Exceptions
 * that they throw are logged, and do not affect the exchange.
 */
public interface IpcInstrumentation {

	/** Accompanies nothing. */
	IpcInstrumentation NONE = new IpcInstrumentation() {
	};

	/**
	 * A call begins, in the calling thread.
	 * @param destination whom it asks: the name of a child, or {@code parent}
	 * @param method the method that the request names; empty if it names none
	 * @return what accompanies the call; {@link Observed#NONE} for nothing
	 */
	default Observed calling(String destination, String method) {
		return Observed.NONE;
	}

	/**
	 * A request is about to be handled, in the thread of its handler.
	 * @param peer who asks: the name of a child, or {@code parent}
	 * @param request what is known about the request, such as its headers
	 * @return what accompanies the handler and its reply; {@link Observed#NONE} for
	 * nothing
	 */
	default Observed serving(String peer, IpcContext request) {
		return Observed.NONE;
	}

	/**
	 * Keeps exceptions and errors of an instrumentation away from the exchanges that it
	 * accompanies, and logs the first one.
	 * @param instrumentation the instrumentation
	 * @return one that does not throw
	 */
	static IpcInstrumentation guarded(IpcInstrumentation instrumentation) {
		return (instrumentation == NONE || instrumentation instanceof GuardedInstrumentation) ? instrumentation
				: new GuardedInstrumentation(instrumentation);
	}

	/** One exchange that is accompanied. */
	interface Observed {

		/** Accompanies nothing. */
		Observed NONE = new Observed() {
		};

		/**
		 * Headers for the request of a call, such as {@code traceparent}. A peer that
		 * does not know headers gets the request without them.
		 * @return unmodifiable or not; empty for none
		 */
		default Map<String, String> headers() {
			return Map.of();
		}

		/**
		 * The exchange has failed. It ends afterwards.
		 * @param error what the caller gets, or what the handler has thrown
		 */
		default void failed(Throwable error) {
		}

		/**
		 * Nobody waits for the rest of a streamed reply, which its consumer has closed.
		 * The exchange ends afterwards.
		 */
		default void cancelled() {
		}

		/**
		 * The thread in which the exchange began goes on with something else before it
		 * ends: the reply is streamed. Called in that thread.
		 */
		default void detach() {
		}

		/**
		 * The exchange has ended. Called once: in the thread in which it began, or in any
		 * other after {@link #detach()}.
		 */
		default void end() {
		}

	}

}
