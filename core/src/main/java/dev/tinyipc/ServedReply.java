package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.util.Iterator;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;
import java.util.stream.BaseStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers one request: by a value, a stream or an error, in an {@link Envelope} with the
 * number of the request if that has one.
 */
final class ServedReply implements IpcServer.Sink {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	private final IpcChannel channel;

	private final OptionalLong id;

	private final ServedExchange exchange;

	/** Held while the handler sends an element, in whatever thread. */
	private final ReentrantLock sending = new ReentrantLock();

	private boolean handled;

	private volatile boolean peerIsGone;

	ServedReply(IpcChannel channel, OptionalLong id, ServedExchange exchange) {
		this.channel = channel;
		this.id = id;
		this.exchange = exchange;
	}

	@Override
	public void send(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		this.sending.lock();
		try {
			if (this.handled) {
				throw new IllegalStateException(
						"The streamed reply has ended, because its handler has returned: send all elements before");
			}
			sendElement(element, descriptors);
		}
		finally {
			this.sending.unlock();
			release(element);
		}
	}

	/**
	 * Sends what the handler has returned, or an error if that cannot be sent.
	 * @return whether the peer is there for the next answer
	 */
	boolean send(@Nullable Object result) throws IpcException {
		try {
			takeNoMoreElements();
			sendResult(result);
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
			return fail(ex);
		}
	}

	/**
	 * Sends what the handler has thrown.
	 * @return whether the peer is there for the next answer
	 */
	boolean fail(Exception failure) throws IpcException {
		takeNoMoreElements();
		if (this.peerIsGone) {
			return false;
		}
		if (this.exchange.isCancelled()) {
			logger.debug("A request was cancelled", failure);
			return refuse("Nobody waits for the reply any more");
		}
		logger.warn("A request failed; the peer gets an error item", failure);
		try {
			this.channel.sendError(this.id, failure);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/**
	 * Sends that there is no reply, because nobody would take it.
	 * @return whether the peer is there for the next answer
	 */
	boolean refuse(String reason) throws IpcException {
		return refuse("Cancelled", reason);
	}

	/**
	 * Sends that the request is not worked on.
	 * @param type that of the error item
	 * @return whether the peer is there for the next answer
	 */
	boolean refuse(String type, String reason) throws IpcException {
		try {
			this.channel.sendError(this.id, type, reason);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/** A handler may have handed the sink to a thread that does not know of the end. */
	private void takeNoMoreElements() {
		this.sending.lock();
		this.handled = true;
		this.sending.unlock();
	}

	private void sendResult(@Nullable Object result) throws IpcException {
		if (result == Handlers.STREAMED) {
			this.channel.sendEnd(this.id);
		}
		else if (result instanceof BaseStream<?, ?> stream) {
			try (stream) {
				sendElements(stream.iterator());
			}
			this.channel.sendEnd(this.id);
		}
		else if (result instanceof Iterator<?> elements) {
			try (Closing closing = () -> close(elements)) {
				sendElements(elements);
			}
			this.channel.sendEnd(this.id);
		}
		else {
			try {
				send(Prefix.of(this.id), result);
			}
			finally {
				release(result);
			}
		}
	}

	private static void close(Iterator<?> elements) throws IpcException {
		if (elements instanceof Closeable closeable) {
			try {
				closeable.close();
			}
			catch (IOException ex) { // whatever it says, it is not about our peer
				throw new IpcException("The elements of the reply could not be closed: " + ex.getMessage(), ex);
			}
		}
	}

	private void sendElements(Iterator<?> elements) throws IpcException {
		while (elements.hasNext()) {
			sendElement(elements.next());
		}
	}

	private void sendElement(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		try {
			this.exchange.checkCancelled();
			this.exchange.streaming();
			send(Prefix.ofElement(this.id), element, descriptors);
		}
		catch (IpcException.PeerClosed ex) {
			this.peerIsGone = true;
			throw ex;
		}
		finally {
			release(element);
		}
	}

	private void send(Prefix prefix, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		if (!(payload instanceof IpcServer.Reply reply)) {
			this.channel.send(prefix, payload, null, descriptors);
			return;
		}
		if (descriptors.length > 0) {
			throw new IllegalArgumentException("A Reply brings its own descriptors: pass the others to it");
		}
		this.channel.send(prefix, reply.payload, null, reply.descriptors.toArray(OwnedFd[]::new));
	}

	private static void release(@Nullable Object payload) {
		if (payload instanceof IpcServer.Reply reply) {
			OwnedFd.closeAll(reply.descriptors);
		}
	}

	/** Closes the source of a stream. */
	@FunctionalInterface
	private interface Closing extends AutoCloseable {

		@Override
		void close() throws IpcException;

	}

}
