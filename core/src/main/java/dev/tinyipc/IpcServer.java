package dev.tinyipc;

import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The main loop of a child process: receives a request, has it handled, sends the reply,
 * until the parent closes its end.
 *
 * <pre class="code">
 * public static void main(String[] arguments) throws IpcException {
 *     IpcServer.serve(Request.class, (request) -&gt; "Hello " + request.payload().name());
 * }
 * </pre>
 *
 * A request gets exactly one answer. What the handler throws is sent as an error item
 * ({@link IpcChannel#sendError}), as is what is wrong with a body that cannot be read as
 * the type; the next request is served as usual. The stack trace is not sent, but logged
 * here, at WARN by the logger of this class.
 */
public final class IpcServer {

	/**
	 * The environment variable that is {@code 1} if the parent invites its child to say
	 * what it can do, with a hello as its first message.
	 */
	public static final String HELLO_VARIABLE = "TINY_IPC_HELLO";

	/**
	 * The environment variable that tells a child the largest message that its parent
	 * sends and accepts, in bytes.
	 */
	public static final String MAX_MESSAGE_SIZE_VARIABLE = "TINY_IPC_MAX_MESSAGE_SIZE";

	/**
	 * The environment variable that names the class of an {@link IpcMapperCustomizer},
	 * with a constructor without parameters, for the mapper of the child.
	 */
	public static final String MAPPER_CUSTOMIZER_VARIABLE = "TINY_IPC_MAPPER_CUSTOMIZER";

	private IpcServer() {
	}

	/**
	 * Serves the parent of this process, in CBOR, and closes the socket at the end. The
	 * limit for messages is the parent's, as {@value #MAX_MESSAGE_SIZE_VARIABLE} tells
	 * it, and the mapper is changed by what {@value #MAPPER_CUSTOMIZER_VARIABLE} names.
	 * If {@value #HELLO_VARIABLE} says so, a reply repeats the number of its request, so
	 * that the parent never takes it for another's.
	 *
	 * <p>
	 * As long as the parent holds its end of the socket, SIGTERM does not end this
	 * process, so that a service manager that signals parent and children at once loses
	 * no request in flight. A JVM that was started with {@code -Xrs} ends all the same.
	 * @param requestType what the requests are read as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if this process was not started as a child
	 * @throws IpcException if the parent does not keep to the protocol, or the socket
	 * fails: the process should end with another exit code than 0, as it does if its
	 * {@code main} throws this
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
	 * Serves the other end of a channel, in the calling thread.
	 * @param channel talks CBOR, and stays the caller's to close
	 * @param requestType what the requests are read as
	 * @param handler answers them
	 * @param <T> the type of the requests
	 * @throws IllegalStateException if the channel does not talk CBOR
	 * @throws IpcException if the peer does not keep to the protocol, or the socket fails
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
		 * @param request is closed afterwards, with those of its descriptors that were
		 * not taken
		 * @return the payload of the reply, or a {@link Reply}, which has descriptors too
		 * @throws Exception what the peer is told, instead of a reply
		 */
		@Nullable Object handle(IpcMessage<T> request) throws Exception;

	}

	/** A reply with descriptors, which are closed once it is sent, or cannot be. */
	public static final class Reply {

		final @Nullable Object payload;

		final List<OwnedFd> descriptors;

		/**
		 * Makes a reply.
		 * @param payload the value; null is a value too
		 * @param descriptors at most 253; they are not the caller's any more
		 */
		public Reply(@Nullable Object payload, OwnedFd... descriptors) {
			this.payload = payload;
			this.descriptors = List.of(descriptors);
		}

	}

}
