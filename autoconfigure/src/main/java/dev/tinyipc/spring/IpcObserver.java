package dev.tinyipc.spring;

import java.time.Duration;

/**
 * Observes the messages that go through a template. It must not block. Exceptions that it
 * throws are logged and do not affect the call.
 */
public interface IpcObserver {

	/** An observer that does nothing. */
	IpcObserver NONE = (name) -> new Destination() {
	};

	/**
	 * Creates the observer of one destination. Called once for each template and
	 * destination.
	 * @param name the destination's name
	 * @return the observer of its messages
	 */
	Destination destination(String name);

	/** Observes the messages of one destination. */
	interface Destination {

		/**
		 * An exchange begins, because an instance of the peer was free or became free.
		 * @param waited how long the call waited for it
		 */
		default void acquired(Duration waited) {
		}

		/**
		 * A message was sent.
		 * @param bytes its size on the wire, in bytes
		 * @param descriptors the number of descriptors sent with it
		 */
		default void sent(long bytes, int descriptors) {
		}

		/**
		 * A message was received.
		 * @param bytes its size on the wire, in bytes
		 * @param descriptors the number of descriptors received with it
		 */
		default void received(long bytes, int descriptors) {
		}

		/**
		 * A request was answered.
		 * @param duration the time from the request to the reply, without the wait for an
		 * instance
		 */
		default void exchanged(Duration duration) {
		}

		/**
		 * A call failed.
		 * @param error the exception that the caller gets
		 */
		default void failed(IpcMessagingException error) {
		}

	}

}
