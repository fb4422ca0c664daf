package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.util.Iterator;
import java.util.OptionalLong;
import java.util.concurrent.CancellationException;
import java.util.stream.BaseStream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Answers one request: by a value, a stream or an error, in an {@link Envelope} with the
 * number of the request if that has one.
 */
final class ServedReply implements IpcServer.Sink, Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	private final IpcChannel channel;

	private final OptionalLong id;

	private final int blocksSize;

	private final ServedExchange exchange;

	private final ServedTrace trace;

	private final ServedStream stream;

	private boolean handled;

	private volatile boolean peerIsGone;

	/**
	 * Creates an answer.
	 * @param id the number of the request
	 * @param blocksSize how many bytes of a value the peer accepts in blocks
	 * @param exchange that the request has begun
	 * @param trace is told of failures
	 * @param stream takes the elements, if there are any
	 */
	ServedReply(IpcChannel channel, OptionalLong id, int blocksSize, ServedExchange exchange, ServedTrace trace,
			ServedStream stream) {
		this.channel = channel;
		this.id = id;
		this.blocksSize = blocksSize;
		this.exchange = exchange;
		this.trace = trace;
		this.stream = stream;
	}

	@Override
	public void send(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		this.stream.lock().lock();
		try {
			if (this.handled) {
				throw new IllegalStateException(
						"The streamed reply has ended, because its handler has returned: send all elements before");
			}
			if (this.stream.lock().getHoldCount() > 1) {
				throw new IllegalStateException("An element is being written, and what writes it sends another one of"
						+ " the same stream: send that before or afterwards");
			}
			sendElement(element, descriptors);
		}
		finally {
			this.stream.lock().unlock();
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
			lost(ex);
			return false; // nobody waits for the answer
		}
		catch (IpcException.Timeout ex) {
			lost(ex);
			throw ex; // there is no room for an error either
		}
		catch (IpcException | RuntimeException ex) {
			// Such as a value that cannot be written, or a closed descriptor: nothing was
			// sent. If part of it was, this fails too.
			return fail(ex);
		}
		catch (Error ex) {
			lost(ex);
			throw ex;
		}
	}

	/**
	 * Sends what the handler has thrown.
	 * @return whether the peer is there for the next answer
	 */
	boolean fail(Exception failure) throws IpcException {
		takeNoMoreElements();
		this.trace.failed(failure);
		if (this.peerIsGone) {
			return false;
		}
		if (this.exchange.isCancelled()) {
			logger.debug("A request was cancelled", failure);
			this.stream.drop(); // or they might be sent behind the end
			return sendError("Cancelled", "The caller no longer waits for the reply");
		}
		logger.warn("A request failed; the peer gets an error item", failure);
		try {
			this.stream.finish();
			this.channel.sendError(this.id, failure);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/** Nothing is sent, because nobody is there, or an error ends the lane. */
	void lost(Throwable failure) {
		this.trace.failed(failure);
	}

	/**
	 * Sends that the request is not worked on.
	 * @param type that of the error item
	 * @return whether the peer is there for the next answer
	 */
	boolean refuse(String type, String reason) throws IpcException {
		this.trace.failed(new CancellationException(reason));
		return sendError(type, reason);
	}

	private boolean sendError(String type, String reason) throws IpcException {
		try {
			this.channel.outbox().sendError(this.id, type, reason);
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/** A handler may have handed the sink to a thread that does not know of the end. */
	private void takeNoMoreElements() {
		this.stream.lock().lock();
		this.handled = true;
		this.stream.lock().unlock();
	}

	private void sendResult(@Nullable Object result) throws IpcException {
		if (result == Handlers.STREAMED) {
			sendEnd();
		}
		else if (result instanceof BaseStream<?, ?> stream) {
			try (stream) {
				sendElements(stream.iterator());
			}
			sendEnd();
		}
		else if (result instanceof Iterator<?> elements) {
			try (Closing closing = () -> close(elements)) {
				sendElements(elements);
			}
			sendEnd();
		}
		else {
			try {
				this.channel.sendReply(this.id, payload(result), this.blocksSize, descriptors(result));
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
			Object element = elements.next();
			this.stream.lock().lock();
			try {
				sendElement(element);
			}
			finally {
				this.stream.lock().unlock();
			}
		}
	}

	private void sendEnd() throws IpcException {
		this.stream.finish();
		this.channel.outbox().sendEnd(this.id);
	}

	private void sendElement(@Nullable Object element, OwnedFd... descriptors) throws IpcException {
		try {
			this.exchange.checkCancelled();
			this.exchange.streaming();
			this.stream.send(payload(element), descriptors(element, descriptors));
		}
		catch (IpcException.PeerClosed ex) {
			this.peerIsGone = true;
			throw ex;
		}
		finally {
			release(element);
		}
	}

	private static @Nullable Object payload(@Nullable Object value) {
		return (value instanceof IpcServer.Reply reply) ? reply.payload : value;
	}

	private static OwnedFd[] descriptors(@Nullable Object value, OwnedFd... others) {
		if (!(value instanceof IpcServer.Reply reply)) {
			return others;
		}
		if (others.length > 0) {
			throw new IllegalArgumentException("A Reply brings its own descriptors: pass the others to it");
		}
		return reply.descriptors.toArray(OwnedFd[]::new);
	}

	/** Drops what was not sent. */
	@Override
	public void close() {
		takeNoMoreElements(); // also if the handler has thrown an Error
		this.stream.drop();
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
