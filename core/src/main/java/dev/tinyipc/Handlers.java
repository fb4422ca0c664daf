package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

import org.jspecify.annotations.Nullable;

/** The handlers of a server, by the methods that they serve. */
final class Handlers {

	/** Stands for requests without a method. */
	static final String DEFAULT = "";

	/** A result that says that the reply was streamed, and only has to be ended. */
	static final Object STREAMED = new Object();

	private final Map<String, Entry> byMethod;

	private final String peer;

	private final IpcInstrumentation instrumentation;

	/** Null if all requests are let in. */
	private final @Nullable RequestGate gate;

	private Handlers(Builder builder) {
		this.byMethod = Map.copyOf(builder.byMethod);
		this.peer = builder.peer;
		this.instrumentation = builder.instrumentation;
		this.gate = builder.gate;
	}

	/** Begins to accompany a request. */
	ServedTrace begin(IpcContext request) {
		return ServedTrace.begin(this.instrumentation, this.peer, request);
	}

	/** What accompanies the handlers, and their calls of the parent. */
	IpcInstrumentation instrumentation() {
		return this.instrumentation;
	}

	/**
	 * Finds a handler.
	 * @param method null for requests without one
	 * @throws UnknownMethodException if there is none
	 */
	Entry handlerOf(@Nullable String method) {
		Entry entry = this.byMethod.get((method != null) ? method : DEFAULT);
		if (entry == null) {
			throw new UnknownMethodException(method, this.byMethod.keySet());
		}
		return entry;
	}

	/** The methods for the hello; empty if they say nothing. */
	Optional<List<String>> methods() {
		boolean plain = this.byMethod.keySet().equals(Set.of(DEFAULT));
		return plain ? Optional.empty() : Optional.of(this.byMethod.keySet().stream().sorted().toList());
	}

	/** Whether a request may be worked on. If so, {@link #leave} is called afterwards. */
	boolean enter() {
		return this.gate == null || this.gate.enter();
	}

	void leave() {
		if (this.gate != null) {
			this.gate.leave();
		}
	}

	boolean areNone() {
		return this.byMethod.isEmpty();
	}

	/** Whether all requests are byte arrays, which can be received faster. */
	boolean takeBytesOnly() {
		return this.byMethod.values().stream().allMatch((entry) -> entry.type() == byte[].class);
	}

	/** Whether a handler may call the parent. */
	boolean useContext() {
		return this.byMethod.values().stream().anyMatch(Entry::usesContext);
	}

	/**
	 * A handler and what it takes.
	 *
	 * @param type the type to read requests as
	 * @param handler answers them
	 * @param usesContext whether it is interested in the context
	 */
	record Entry(Type type, Action handler, boolean usesContext) {

	}

	/** What all kinds of handlers come down to. */
	@FunctionalInterface
	interface Action {

		/**
		 * Answers one request.
		 * @param elements takes the elements of a streamed reply
		 * @return the reply; {@link #STREAMED} if it went to the sink
		 */
		@Nullable Object handle(IpcMessage<Object> request, IpcContext context, IpcServer.Sink elements) throws Exception;

	}

	/** Collects handlers. */
	static final class Builder {

		private final Map<String, Entry> byMethod = new LinkedHashMap<>();

		private String peer = IpcParent.NAME;

		private IpcInstrumentation instrumentation = IpcInstrumentation.NONE;

		private @Nullable RequestGate gate;

		void instrumentation(String peer, IpcInstrumentation instrumentation) {
			this.peer = peer;
			this.instrumentation = IpcInstrumentation.guarded(instrumentation);
		}

		void gate(RequestGate gate) {
			this.gate = gate;
		}

		@SuppressWarnings("unchecked") // a request is read as the type of its handler
		<T> void add(String method, Type type, boolean usesContext, TypedAction<T> handler) {
			Entry before = this.byMethod.put(method, new Entry(type, (request, context, elements) -> handler
				.handle((IpcMessage<T>) (IpcMessage<?>) request, context, elements), usesContext));
			if (before != null) {
				throw new IllegalStateException(
						method.isEmpty() ? "There are two handlers for requests without a method"
								: "There are two handlers for the method '" + method + '\'');
			}
		}

		Handlers build() {
			return new Handlers(this);
		}

	}

	/**
	 * A handler of requests of one type.
	 *
	 * @param <T> the type of the requests
	 */
	@FunctionalInterface
	interface TypedAction<T> {

		@Nullable Object handle(IpcMessage<T> request, IpcContext context, IpcServer.Sink elements) throws Exception;

	}

}
