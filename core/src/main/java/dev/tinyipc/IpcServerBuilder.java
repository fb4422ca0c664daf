package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.concurrent.ThreadFactory;

import org.jspecify.annotations.Nullable;

/**
 * Configures an {@link IpcServer}.
 *
 * <pre class="code">
 * IpcServer.builder()
 *     .handler("scale", Scale.class, (request) -&gt; scale(request.payload()))
 *     .stream("rows", Query.class, (request, context, rows) -&gt; {
 *         for (Row row : query(request.payload())) {
 *             rows.send(row);
 *         }
 *     })
 *     .threads(8)
 *     .serve();
 * </pre>
 */
public final class IpcServerBuilder {

	private final Handlers.Builder handlers = new Handlers.Builder();

	/** 0 for the default. */
	private int threads;

	private @Nullable ThreadFactory threadFactory;

	IpcServerBuilder() {
	}

	/**
	 * Adds the handler of requests that name no method.
	 * @param type the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 */
	public <T> IpcServerBuilder handler(Class<T> type, IpcServer.Handler<T> handler) {
		return handler(Handlers.DEFAULT, type, handler);
	}

	/**
	 * Adds the handler of requests that name no method.
	 * @param type the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 */
	public <T> IpcServerBuilder handler(Class<T> type, IpcServer.ContextHandler<T> handler) {
		return handler(Handlers.DEFAULT, type, handler);
	}

	/**
	 * Adds the handler of a method.
	 * @param method its name
	 * @param type the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder handler(String method, Class<T> type, IpcServer.Handler<T> handler) {
		return handler(method, (Type) type, handler);
	}

	/**
	 * Adds the handler of a method.
	 * @param method its name
	 * @param type the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder handler(String method, Class<T> type, IpcServer.ContextHandler<T> handler) {
		return handler(method, (Type) type, handler);
	}

	/**
	 * Adds the handler of a method whose reply is streamed.
	 * @param method its name
	 * @param type the type to read the requests as
	 * @param handler sends the elements
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder stream(String method, Class<T> type, IpcServer.StreamHandler<T> handler) {
		return stream(method, (Type) type, handler);
	}

	/**
	 * Adds the handler of a method that takes a generic type.
	 * @param method its name
	 * @param type the type to read the requests as, as in
	 * {@link IpcChannel#receive(Type)}
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder handler(String method, Type type, IpcServer.Handler<T> handler) {
		this.handlers.<T>add(method, type, false, (request, context, elements) -> handler.handle(request));
		return this;
	}

	/**
	 * Adds the handler of a method that takes a generic type.
	 * @param method its name
	 * @param type the type to read the requests as, as in
	 * {@link IpcChannel#receive(Type)}
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder handler(String method, Type type, IpcServer.ContextHandler<T> handler) {
		this.handlers.<T>add(method, type, true, (request, context, elements) -> handler.handle(request, context));
		return this;
	}

	/**
	 * Adds the handler of a method that takes a generic type, and whose reply is
	 * streamed.
	 * @param method its name
	 * @param type the type to read the requests as, as in
	 * {@link IpcChannel#receive(Type)}
	 * @param handler sends the elements
	 * @param <T> the type of the requests
	 * @return this builder
	 * @throws IllegalStateException if the method has a handler already
	 */
	public <T> IpcServerBuilder stream(String method, Type type, IpcServer.StreamHandler<T> handler) {
		this.handlers.<T>add(method, type, true, (request, context, elements) -> {
			handler.handle(request, context, elements);
			return Handlers.STREAMED;
		});
		return this;
	}

	/**
	 * Adds all methods of a contract. Descriptors that the implementation gets are closed
	 * after the call, or after the last element of its stream: it duplicates those that
	 * it keeps. Descriptors that it returns are closed once they are sent.
	 * @param contract an interface whose methods are requests, see {@link IpcExchange}
	 * @param implementation answers them, thread-safe if there are several threads
	 * @param <T> the contract
	 * @return this builder
	 * @throws IllegalArgumentException if a method of the contract cannot be mapped to a
	 * request
	 * @throws IllegalStateException if a method has a handler already
	 */
	public <T> IpcServerBuilder service(Class<T> contract, T implementation) {
		for (ContractMethod method : IpcContract.of(contract).all()) {
			this.handlers.add(method.name(), method.payload(), false, (IpcMessage<Object> request, IpcContext context,
					IpcServer.Sink elements) -> method.invoke(implementation, request, context));
		}
		return this;
	}

	/**
	 * Accompanies all requests, and the calls of the parent that their handlers make.
	 * @param peer the name of who asks, as the instrumentation shall know it:
	 * {@code parent} in a child
	 * @param instrumentation accompanies them
	 * @return this builder
	 */
	public IpcServerBuilder instrumentation(String peer, IpcInstrumentation instrumentation) {
		this.handlers.instrumentation(peer, instrumentation);
		return this;
	}

	/**
	 * Serves several requests at a time, if the parent asks for that.
	 * @param count the number of threads, at least 1; 1 by default
	 * @return this builder
	 */
	public IpcServerBuilder threads(int count) {
		if (count < 1) {
			throw new IllegalArgumentException("A server has at least one thread, not " + count);
		}
		this.threads = count;
		return this;
	}

	/**
	 * Serves several requests at a time, in threads of a factory, such as
	 * {@code Thread.ofVirtual().factory()}.
	 * @param count how many requests at a time, at least 1
	 * @param factory creates the threads
	 * @return this builder
	 */
	public IpcServerBuilder threads(int count, ThreadFactory factory) {
		return threads(count).threadFactory(factory);
	}

	/**
	 * Has the threads created by a factory, however many there may be.
	 * @param factory creates them
	 * @return this builder
	 */
	public IpcServerBuilder threadFactory(ThreadFactory factory) {
		this.threadFactory = factory;
		return this;
	}

	/**
	 * Has requests refused while a gate is closed.
	 * @param gate stays the caller's, who opens and closes it
	 * @return this builder
	 */
	public IpcServerBuilder gate(RequestGate gate) {
		this.handlers.gate(gate);
		return this;
	}

	/**
	 * Creates a server without a peer, to be given channels by
	 * {@link IpcServer#serve(IpcChannel)}. Each of these peers may ask as much at a time
	 * as there are threads, or 64 times if their number was not chosen.
	 * @return the server
	 */
	public IpcServer build() {
		return new IpcServer(this.handlers.build(), this.threads, new ServerThreads(this.threadFactory));
	}

	/**
	 * Serves the parent of this process in CBOR, and closes the socket at the end. The
	 * limit for messages is that of {@value IpcServer#MAX_MESSAGE_SIZE_VARIABLE}, and
	 * {@value IpcServer#MAPPER_CUSTOMIZER_VARIABLE} customizes the mapper. If
	 * {@value IpcServer#HELLO_VARIABLE} is set, the parent is told what this server can
	 * do.
	 *
	 * <p>
	 * While the parent holds its end of the socket, SIGTERM does not end this process, so
	 * that no request is lost when a service manager signals parent and children at once.
	 * A JVM that was started with {@code -Xrs} ends nevertheless.
	 * @throws IllegalStateException if this process was not started as a child, or there
	 * is no handler
	 * @throws IpcException if the parent breaks the protocol, or the socket fails: the
	 * process should then end with a non-zero exit code, as it does if its {@code main}
	 * throws this
	 */
	public void serve() throws IpcException {
		build().serveParent();
	}

	/**
	 * Connects to the parent as {@link #serve()} does, and answers nothing until
	 * {@link IpcServer#ready()} is called: a parent that waits for it sends no request
	 * before that.
	 * @return the server
	 * @throws IllegalStateException if this process was not started as a child, or there
	 * is no handler
	 * @throws IpcException if the socket fails
	 */
	public IpcServer start() throws IpcException {
		return build().connected(null);
	}

	/**
	 * Connects to the parent as {@link #start()} does, over a channel with a mapper and
	 * limits of the caller's.
	 * @param channel uses CBOR, over {@link IpcSocket#inherited()}; nobody else receives
	 * from it, and the server closes its socket
	 * @return the server
	 * @throws IllegalStateException if there is no handler, or the channel does not use
	 * CBOR
	 * @throws IpcException if the socket fails
	 */
	public IpcServer start(IpcChannel channel) throws IpcException {
		return build().connected(channel);
	}

}
