package dev.tinyipc;

import java.util.List;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

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
 * the type; the next request is served as usual. The stack trace stays here: a handler
 * logs what is to be found in the log.
 */
public final class IpcServer {

	private IpcServer() {
	}

	/**
	 * Serves the parent of this process, in CBOR, and closes the socket at the end.
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
			serve(IpcChannel.over(socket), requestType, handler);
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
		channel.checkSpeaksCbor();
		boolean open = true;
		while (open) {
			try (IpcMessage<T> request = channel.receive(requestType)) {
				open = (request != null) && answer(channel, request, handler);
			}
			catch (JacksonException | IpcException.Remote ex) {
				open = sendError(channel, ex);
			}
		}
	}

	/** Returns whether somebody is there for the next answer. */
	private static <T> boolean answer(IpcChannel channel, IpcMessage<T> request, Handler<T> handler)
			throws IpcException {
		Object result;
		try {
			result = handler.handle(request);
		}
		catch (Exception ex) {
			return sendError(channel, ex);
		}
		try {
			send(channel, result);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false; // it does not want the answer any more
		}
		catch (IpcException.Timeout ex) {
			throw ex; // there would be no room for an error either
		}
		catch (IpcException | RuntimeException ex) {
			// Such as a value that cannot be written, or a descriptor that is closed:
			// nothing
			// was sent. If something was, this fails too.
			return sendError(channel, ex);
		}
	}

	private static void send(IpcChannel channel, @Nullable Object result) throws IpcException {
		if (!(result instanceof Reply reply)) {
			channel.send(result);
			return;
		}
		try {
			channel.send(reply.payload, reply.descriptors.toArray(OwnedFd[]::new));
		}
		finally {
			OwnedFd.closeAll(reply.descriptors);
		}
	}

	private static boolean sendError(IpcChannel channel, Exception error) throws IpcException {
		try {
			channel.sendError(error);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
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

		private final @Nullable Object payload;

		private final List<OwnedFd> descriptors;

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
