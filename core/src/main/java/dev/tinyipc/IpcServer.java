package dev.tinyipc;

import java.io.Closeable;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;

import org.jspecify.annotations.Nullable;

/**
 * Answers requests: in a child process those of its parent, until the parent closes its
 * end.
 *
 * <pre class="code">
 * public static void main(String[] arguments) throws IpcException {
 *     IpcServer.serve(Request.class, (request) -&gt; "Hello " + request.payload().name());
 * }
 * </pre>
 *
 * {@link #builder()} gives each method a handler of its own, streams replies, and serves
 * several requests at a time.
 *
 * <p>
 * A request gets exactly one answer. If the handler throws, or the body cannot be read as
 * the type, that is an error item ({@link IpcChannel#sendError}), and the next request is
 * served as usual. An exception of the handler is logged at WARN by the logger of this
 * class; its stack trace is not sent. A request whose deadline has passed is answered
 * with an error without being handled.
 */
public final class IpcServer implements Closeable {

	/**
	 * The environment variable that is {@code 1} if the parent invites its child to say
	 * what it can do, by a hello as its first message.
	 */
	public static final String HELLO_VARIABLE = "TINY_IPC_HELLO";

	/**
	 * The environment variable that tells a child the size of the largest message that
	 * its parent sends and accepts, in bytes.
	 */
	public static final String MAX_MESSAGE_SIZE_VARIABLE = "TINY_IPC_MAX_MESSAGE_SIZE";

	/**
	 * The environment variable with the bytes of a reply that the parent accepts in
	 * {@link SharedBlocks}.
	 */
	public static final String BLOCKS_VARIABLE = "TINY_IPC_BLOCKS";

	/**
	 * The environment variable that is {@code 1} if lines of the child's output that
	 * begin with {@code <0>} to {@code <7>}, as in {@code sd-daemon(3)}, are logged at
	 * that level.
	 */
	public static final String LOG_PREFIX_VARIABLE = "TINY_IPC_LOG_PREFIX";

	/**
	 * The environment variable that names the class of an {@link IpcMapperCustomizer} for
	 * the child's mapper. It needs a constructor without parameters.
	 */
	public static final String MAPPER_CUSTOMIZER_VARIABLE = "TINY_IPC_MAPPER_CUSTOMIZER";

	/** A peer may open this many lanes, unless the number of threads was chosen. */
	private static final int MAX_LANES = 64;

	private final Handlers handlers;

	/** 0 if their number was not chosen. */
	private final int threads;

	private final LaneWatch watch;

	private final ServerThreads workers;

	/** Of a child, from its start on. */
	private @Nullable ChildEnd child;

	private volatile boolean ready;

	private volatile boolean closed;

	/** Completed when the parent has closed its end. */
	private final CompletableFuture<@Nullable Void> end = new CompletableFuture<>();

	IpcServer(Handlers handlers, int threads, ServerThreads workers) {
		this.handlers = handlers;
		this.threads = threads;
		this.workers = workers;
		this.watch = new LaneWatch(workers);
	}

	/**
	 * Begins to configure a server.
	 * @return a builder without handlers, for one thread
	 */
	public static IpcServerBuilder builder() {
		return new IpcServerBuilder();
	}

	/**
	 * Serves the parent of this process in CBOR, one request at a time in the calling
	 * thread: a server with one handler, see {@link IpcServerBuilder#serve()}.
	 * @param requestType the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if this process was not started as a child
	 * @throws IpcException as {@link IpcServerBuilder#serve()}
	 */
	public static <T> void serve(Class<T> requestType, Handler<T> handler) throws IpcException {
		builder().handler(requestType, handler).serve();
	}

	/**
	 * Serves the other end of a channel in the calling thread. The peer is not expected
	 * to know more than requests and replies.
	 * @param channel uses CBOR; the caller still closes its socket
	 * @param requestType the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if the channel does not use CBOR
	 * @throws IpcException if the peer breaks the protocol, or the socket fails
	 */
	public static <T> void serve(IpcChannel channel, Class<T> requestType, Handler<T> handler) throws IpcException {
		Handlers.Builder handlers = new Handlers.Builder();
		handlers.add(Handlers.DEFAULT, requestType, false,
				(IpcMessage<T> request, IpcContext context, Sink elements) -> handler.handle(request));
		new ServedLane(channel, handlers.build(), null).run();
	}

	/** Serves the parent in the calling thread. */
	void serveParent() throws IpcException {
		ChildEnd child = connect(null, this.handlers.useContext());
		try (child) {
			if (child.greet()) {
				this.workers.runFirst(child::serve);
			}
		}
		finally {
			close();
		}
	}

	/**
	 * Serves the other end of a channel in the calling thread as a child serves its
	 * parent: says hello, serves further lanes if there are several threads, and lets
	 * handlers call the peer. This is for tests, in which the parent is in the same JVM.
	 * This server is closed at the end.
	 * @param channel uses CBOR; this server closes its socket
	 * @throws IpcException if the peer breaks the protocol, or the socket fails
	 */
	public void serveAsChild(IpcChannel channel) throws IpcException {
		try (ChildEnd child = ChildEnd.over(channel, this.handlers, this.watch, this.threads,
				this.handlers.useContext())) {
			if (child.greet()) {
				this.workers.runFirst(child::serve);
			}
		}
		finally {
			close();
		}
	}

	/** Connects to the parent, which gets no answer before {@link #ready()}. */
	IpcServer connected(@Nullable IpcChannel channel) throws IpcException {
		this.child = connect(channel, true);
		return this;
	}

	private ChildEnd connect(@Nullable IpcChannel channel, boolean mayCall) throws IpcException {
		if (this.handlers.areNone()) {
			throw new IllegalStateException("A child's server needs at least one handler");
		}
		return ChildEnd.connect(channel, this.handlers, this.watch, Math.max(this.threads, 1), mayCall);
	}

	/**
	 * Says that this process is ready, and begins to answer requests, in other threads.
	 * @throws IllegalStateException if the server was not created by
	 * {@link IpcServerBuilder#start()}, or is ready already
	 * @throws IpcException if the socket fails
	 */
	public void ready() throws IpcException {
		ChildEnd child = this.child;
		if (child == null || this.ready) {
			throw new IllegalStateException("Only a server that was created by start() becomes ready, and only once");
		}
		this.ready = true;
		boolean serving = false;
		try {
			if (child.greet()) {
				this.workers.execute(() -> serve(child));
				serving = true;
			}
		}
		finally {
			if (!serving) {
				close();
				this.end.complete(null);
			}
		}
	}

	private void serve(ChildEnd child) {
		try {
			child.serve();
			this.end.complete(null);
		}
		catch (IpcException ex) {
			if (this.closed) {
				this.end.complete(null);
			}
			else {
				this.end.completeExceptionally(ex);
			}
		}
		catch (RuntimeException | Error ex) {
			this.end.completeExceptionally(ex);
		}
		finally {
			close();
		}
	}

	/**
	 * Whether this server has become {@linkplain #ready() ready}.
	 * @return whether the parent has been told so, even if that has failed
	 */
	public boolean isReady() {
		return this.ready;
	}

	/**
	 * The parent of this process, to ask it for something outside a request. It answers
	 * once this server is {@linkplain #ready() ready}.
	 * @return the parent
	 * @throws IllegalStateException if this server was not created by
	 * {@link IpcServerBuilder#start()}, or the parent did not invite it to say hello
	 */
	public IpcParent parent() {
		ChildEnd child = this.child;
		return ((child != null) ? child.parent() : Optional.<IpcParent>empty())
			.orElseThrow(() -> new IllegalStateException("There is no parent to call: the server was not created by"
					+ " start(), or its parent does not serve calls (" + HELLO_VARIABLE + " is not set)"));
	}

	/**
	 * Waits until the parent has closed its end, or this server was closed.
	 * @throws IpcException if the parent broke the protocol, or the socket failed
	 */
	public void awaitEnd() throws IpcException {
		try {
			this.end.join();
		}
		catch (CompletionException ex) {
			if (ex.getCause() instanceof IpcException failure) {
				throw failure;
			}
			throw ex;
		}
	}

	/**
	 * Answers what comes over a further channel, in the threads of this server, until the
	 * peer closes its end or this server is closed.
	 * @param channel uses CBOR; this server closes its socket
	 * @throws IpcException if there are too many open files
	 */
	public void serve(IpcChannel channel) throws IpcException {
		new ServedPeer(this.handlers, this.watch, (this.threads > 0) ? this.threads : MAX_LANES, true, null)
			.open(channel);
	}

	/**
	 * Closes all sockets that this server serves. What is being worked on is cancelled,
	 * and gets no answer.
	 */
	@Override
	public void close() {
		this.closed = true;
		this.watch.close();
		this.workers.close();
		ChildEnd child = this.child;
		if (child != null) {
			child.close();
		}
		if (!this.ready) {
			this.end.complete(null);
		}
	}

	/**
	 * Answers requests.
	 *
	 * @param <T> the type of the requests
	 */
	@FunctionalInterface
	public interface Handler<T extends @Nullable Object> {

		/**
		 * Answers one request.
		 * @param request the request, which is closed afterwards with all descriptors
		 * that were not taken
		 * @return the payload of the reply; a {@link Reply} to add descriptors; a
		 * {@link java.util.stream.Stream} or {@link java.util.Iterator} to stream it; a
		 * {@link java.util.concurrent.CompletionStage} of any of them, which is cancelled
		 * with the request
		 * @throws Exception if the request failed: the peer gets an error item
		 */
		@Nullable Object handle(IpcMessage<T> request) throws Exception;

	}

	/**
	 * Answers requests, and wants to know more about them.
	 *
	 * @param <T> the type of the requests
	 */
	@FunctionalInterface
	public interface ContextHandler<T extends @Nullable Object> {

		/**
		 * Answers one request.
		 * @param request the request, as in {@link Handler#handle}
		 * @param context what else is known about it
		 * @return as in {@link Handler#handle}
		 * @throws Exception if the request failed: the peer gets an error item
		 */
		@Nullable Object handle(IpcMessage<T> request, IpcContext context) throws Exception;

	}

	/**
	 * Answers requests with any number of elements.
	 *
	 * @param <T> the type of the requests
	 */
	@FunctionalInterface
	public interface StreamHandler<T extends @Nullable Object> {

		/**
		 * Answers one request.
		 * @param request the request, as in {@link Handler#handle}
		 * @param context what else is known about it
		 * @param elements takes the elements; the stream ends when this method returns
		 * @throws Exception if the request failed: the peer gets an error item after the
		 * elements
		 */
		void handle(IpcMessage<T> request, IpcContext context, Sink elements) throws Exception;

	}

	/** Takes the elements of a streamed reply. */
	@FunctionalInterface
	public interface Sink {

		/**
		 * Sends an element. Waits while the peer is slower.
		 * @param element the value to send, or a {@link Reply}
		 * @param descriptors at most 253; the caller keeps them
		 * @throws java.util.concurrent.CancellationException if nobody waits for the
		 * reply any more
		 * @throws IllegalStateException if the reply has ended, or this is called by what
		 * writes another element
		 * @throws IpcException if it cannot be sent
		 */
		void send(@Nullable Object element, OwnedFd... descriptors) throws IpcException;

	}

	/** A reply with descriptors, which are closed once it was sent or has failed. */
	public static final class Reply {

		final @Nullable Object payload;

		final List<OwnedFd> descriptors;

		/**
		 * Creates a reply, which owns its descriptors.
		 * @param payload the value; null is a value too
		 * @param descriptors at most 253
		 */
		public Reply(@Nullable Object payload, OwnedFd... descriptors) {
			this.payload = payload;
			this.descriptors = List.of(descriptors);
		}

	}

}
