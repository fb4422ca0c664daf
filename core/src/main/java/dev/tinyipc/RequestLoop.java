package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The loop of {@link IpcServer}: receives a request, calls the handler, sends the reply.
 * A request in an {@link Envelope} is answered in one with the same number, by a reply or
 * by an error.
 *
 * @param <T> the type of the requests
 */
final class RequestLoop<T> {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	private final IpcChannel channel;

	private final Class<T> requestType;

	private final IpcServer.Handler<T> handler;

	private final boolean opensEnvelopes;

	/** The number of the request to answer. */
	private OptionalLong id = OptionalLong.empty();

	RequestLoop(IpcChannel channel, Class<T> requestType, IpcServer.Handler<T> handler, boolean opensEnvelopes) {
		channel.checkSpeaksCbor();
		this.channel = channel;
		this.requestType = requestType;
		this.handler = handler;
		this.opensEnvelopes = opensEnvelopes;
	}

	/** Returns when the peer has closed its end. */
	void run() throws IpcException {
		boolean open = true;
		while (open) {
			this.id = OptionalLong.empty();
			try (IpcMessage<T> request = receive()) {
				open = (request != null) && answer(request);
			}
			catch (JacksonException | IpcException.Remote ex) {
				open = sendError(ex);
			}
		}
	}

	private @Nullable IpcMessage<T> receive() throws IpcException {
		return this.channel.receiveWanted(this.requestType, null,
				this.opensEnvelopes ? this::open : IpcChannel.Filter.ALL);
	}

	private boolean open(ByteBuffer body) {
		this.id = Envelope.open(body);
		return true;
	}

	/** Returns whether the peer is there for the next answer. */
	private boolean answer(IpcMessage<T> request) throws IpcException {
		Object result;
		try {
			result = this.handler.handle(request);
		}
		catch (Exception ex) {
			logger.warn("A request failed; the peer gets an error item", ex);
			return sendError(ex);
		}
		try {
			send(result);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false; // nobody waits for the answer
		}
		catch (IpcException.Timeout ex) {
			throw ex; // there is no room for an error either
		}
		catch (IpcException | RuntimeException ex) {
			// Such as a value that cannot be written, or a closed descriptor: nothing was
			// sent. If part of it was, this fails too.
			logger.warn("A reply could not be sent; the peer gets an error item", ex);
			return sendError(ex);
		}
	}

	private void send(@Nullable Object result) throws IpcException {
		if (!(result instanceof IpcServer.Reply reply)) {
			this.channel.sendNumbered(this.id, result);
			return;
		}
		try {
			this.channel.sendNumbered(this.id, reply.payload, reply.descriptors.toArray(OwnedFd[]::new));
		}
		finally {
			OwnedFd.closeAll(reply.descriptors);
		}
	}

	private boolean sendError(Exception error) throws IpcException {
		try {
			this.channel.sendError(this.id, error);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

}
