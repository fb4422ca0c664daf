package dev.tinyipc;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The main loop of a child process: receives a request, calls a handler, and sends the
 * reply, until the parent closes its end.
 *
 * <pre class="code">
 * public static void main(String[] arguments) throws IpcException {
 *     IpcServer.serve(Request.class, (request) -&gt; "Hello " + request.payload().name());
 * }
 * </pre>
 *
 * A request gets exactly one answer. If the handler throws, or the body cannot be read as
 * the type, that is an error item ({@link IpcChannel#sendError}), and the next request is
 * served as usual. An exception of the handler is logged at WARN by the logger of this
 * class; its stack trace is not sent.
 */
public final class IpcServer {

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

	private IpcServer() {
	}

	/**
	 * Serves the parent of this process in CBOR, and closes the socket at the end. The
	 * limit for messages is that of {@value #MAX_MESSAGE_SIZE_VARIABLE}, and
	 * {@value #MAPPER_CUSTOMIZER_VARIABLE} customizes the mapper. If
	 * {@value #HELLO_VARIABLE} is set, a reply repeats the number of its request, so that
	 * the parent cannot take it for another one.
	 *
	 * <p>
	 * While the parent holds its end of the socket, SIGTERM does not end this process, so
	 * that no request is lost when a service manager signals parent and children at once.
	 * A JVM that was started with {@code -Xrs} ends nevertheless.
	 * @param requestType the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if this process was not started as a child
	 * @throws IpcException if the parent breaks the protocol, or the socket fails: the
	 * process should then end with a non-zero exit code, as it does if its {@code main}
	 * throws this
	 */
	public static <T> void serve(Class<T> requestType, Handler<T> handler) throws IpcException {
		IpcSocket socket = IpcSocket.inherited()
			.orElseThrow(() -> new IllegalStateException("This program was not started as a child: the environment"
					+ " variable " + IpcSocket.FD_VARIABLE + " is not set. Start it through IpcProcessBuilder,"
					+ " or declare it with @ChildProcess"));
		try (socket) {
			Termination.holdOffWhileOpen(socket);
			IpcChannel channel = ParentSettings.channelOver(socket);
			boolean invited = ParentSettings.invitesHello();
			if (!invited || isGreeted(channel)) {
				new RequestLoop<>(channel, requestType, handler, invited).run();
			}
		}
	}

	/** Returns whether the parent is still there. */
	private static boolean isGreeted(IpcChannel channel) throws IpcException {
		try {
			channel.sendHello(Hello.OURS);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/**
	 * Serves the other end of a channel in the calling thread.
	 * @param channel uses CBOR; the caller still closes its socket
	 * @param requestType the type to read the requests as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if the channel does not use CBOR
	 * @throws IpcException if the peer breaks the protocol, or the socket fails
	 */
	public static <T> void serve(IpcChannel channel, Class<T> requestType, Handler<T> handler) throws IpcException {
		new RequestLoop<>(channel, requestType, handler, false).run();
	}

	/**
	 * Answers requests, one at a time.
	 *
	 * @param <T> the type of the requests
	 */
	@FunctionalInterface
	public interface Handler<T extends @Nullable Object> {

		/**
		 * Answers one request.
		 * @param request the request, which is closed afterwards with all descriptors
		 * that were not taken
		 * @return the payload of the reply, or a {@link Reply} to add descriptors
		 * @throws Exception if the request failed: the peer gets an error item
		 */
		@Nullable Object handle(IpcMessage<T> request) throws Exception;

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
