package dev.tinyipc;

import java.io.Closeable;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * One socket of a server's peer: receives a request, calls its handler, sends the reply.
 * A request in an {@link Envelope} is answered in one with the same number, whether by a
 * reply, a stream or an error.
 */
final class ServedLane implements Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	private static final byte NULL = (byte) 0xf6;

	private final IpcChannel channel;

	private final Handlers handlers;

	private final boolean bytesOnly;

	/** Behind the monitor of this lane. */
	private final Remarks remarks;

	/** Null if the peer was not told that it can have conversations. */
	private final @Nullable ServedPeer peer;

	/** The exchange that is under way; null while there is none. */
	private volatile @Nullable ServedExchange current;

	/** Those of the last exchange. */
	private volatile @Nullable ServedStream elements;

	/** Why the socket is watched, if it is. */
	private Watch watch = Watch.NONE;

	private @Nullable IpcPoller poller;

	/** Of the request that was received last. */
	private @Nullable Envelope envelope;

	/** What came with the last message, if it asked for a lane. */
	private @Nullable LaneOffer offer;

	/** Whether the last message was no request. */
	private boolean ignored;

	ServedLane(IpcChannel channel, Handlers handlers, @Nullable ServedPeer peer) {
		channel.checkSpeaksCbor();
		this.channel = channel;
		this.handlers = handlers;
		this.bytesOnly = handlers.takeBytesOnly();
		this.remarks = new Remarks(channel);
		this.peer = peer;
	}

	IpcSocket socket() {
		return this.channel.socket();
	}

	/** Serves until the peer has closed its end. */
	void run() throws IpcException {
		while (serveNext()) {
			// One exchange after the other.
		}
	}

	/**
	 * Waits for a request and answers it.
	 * @return whether the peer is still there
	 */
	boolean serveNext() throws IpcException {
		this.envelope = null;
		this.ignored = false;
		this.offer = null;
		try (IpcMessage<Object> request = receive()) {
			if (request != null) {
				return answer(request);
			}
			return this.ignored || (this.offer != null && takeUp(this.offer));
		}
		catch (JacksonException | UnknownMethodException | DroppedMessage | IpcException.Remote ex) {
			return sendError(ex);
		}
	}

	private @Nullable IpcMessage<Object> receive() throws IpcException {
		if (this.peer == null) {
			return this.channel.receiveRequest(this::requestType, this.bytesOnly, null, MessageFilter.ALL);
		}
		return this.channel.receiveRequest(this::requestType, this.bytesOnly, null, this::open);
	}

	private Type requestType() {
		return handler().type();
	}

	private Handlers.Entry handler() {
		return this.handlers.handlerOf((this.envelope != null) ? this.envelope.method() : null);
	}

	private MessageFilter.Verdict open(ByteBuffer body, Packet packet) throws IpcException {
		if (StreamItem.CANCEL.isIn(body) || StreamItem.READ.begins(body)) {
			this.ignored = true; // the reply was faster
			return MessageFilter.Verdict.END;
		}
		if (body.remaining() == 1 && body.get(body.position()) == NULL && this.peer != null) {
			this.offer = LaneOffer.takeFrom(packet, this.peer.asksForLanes());
			if (this.offer != null) {
				return MessageFilter.Verdict.END;
			}
		}
		this.envelope = Envelope.open(body);
		if (blocksSize() > 0) {
			this.channel.blocks().repliesAreRead(this.envelope.unread());
		}
		return MessageFilter.Verdict.DELIVER;
	}

	private int blocksSize() {
		return (this.envelope != null) ? this.envelope.blocksSize() : 0;
	}

	private OptionalLong id() {
		return (this.envelope != null) ? this.envelope.id() : OptionalLong.empty();
	}

	/** Opens a lane, or has this one go through memory once that is answered. */
	private boolean takeUp(LaneOffer offer) throws IpcException {
		LaneMemory memory = null;
		try (offer) {
			if (offer.isForOpenLane()) {
				memory = offer.map(socket());
			}
			else {
				this.peer.open(this.channel.onLane(offer.lane(socket())));
			}
		}
		catch (IpcException | IllegalStateException ex) {
			return sendError(ex);
		}
		boolean answered = false;
		try {
			answered = sendAnswer(() -> this.channel.send(null));
			return answered;
		}
		finally {
			if (memory != null && answered) {
				socket().share(memory);
			}
			else if (memory != null) {
				memory.discard();
			}
		}
	}

	/** Returns whether the peer is there for the next answer. */
	private boolean answer(IpcMessage<Object> request) throws IpcException {
		ServedExchange exchange = new ServedExchange();
		begin(exchange);
		try {
			return answer(request, exchange);
		}
		finally {
			end(exchange);
		}
	}

	private void begin(ServedExchange exchange) {
		if (this.peer != null) {
			this.elements = null;
			this.current = exchange;
			this.peer.watch().begun();
		}
	}

	/** What is received from now on is a request. */
	private synchronized void end(ServedExchange exchange) {
		this.current = null;
		if (this.watch == Watch.BUSY) {
			stopWatching();
		}
		exchange.end();
	}

	private boolean answer(IpcMessage<Object> request, ServedExchange exchange) throws IpcException {
		boolean isLetIn = this.handlers.enter();
		try {
			return answer(request, exchange, isLetIn);
		}
		finally {
			if (isLetIn) {
				this.handlers.leave();
			}
		}
	}

	private boolean answer(IpcMessage<Object> request, ServedExchange exchange, boolean isLetIn) throws IpcException {
		ServedStream elements = stream();
		this.elements = elements;
		IpcContext context = new IpcContext(this.envelope, exchange, (this.peer != null) ? this.peer.parent() : null);
		try (ServedTrace trace = this.handlers.begin(context);
				ServedReply reply = new ServedReply(this.channel, id(), blocksSize(), exchange, trace, elements)) {
			return isLetIn ? answer(request, context, reply)
					: reply.refuse("Unavailable", "This process is being stopped, or is paused, and takes no requests");
		}
	}

	private boolean answer(IpcMessage<Object> request, IpcContext context, ServedReply reply) throws IpcException {
		if (context.deadline().hasPassed()) {
			return reply.refuse("DeadlineExceeded", "The deadline of the request had passed before it was begun");
		}
		Object result;
		try {
			result = ServedExchange.await(handler().handler().handle(request, context, reply));
		}
		catch (Exception ex) {
			return reply.fail(ex);
		}
		catch (Error ex) {
			reply.lost(ex);
			throw ex;
		}
		return reply.send(result);
	}

	/** Elements may be gathered only if somebody sends those that are left waiting. */
	private ServedStream stream() throws IpcException {
		int size = (this.peer != null && this.envelope != null) ? this.envelope.batchSize() : 0;
		return new ServedStream(this.channel, id(), this.channel.lendElements(id(), blocksSize(), this::lookForReads),
				size, (this.peer != null) ? this.peer.watch()::gathering : () -> {
				});
	}

	/** See {@link ServedStream#sendLeftWaiting()}. */
	boolean sendLeftWaiting() {
		ServedStream elements = this.elements;
		return elements != null && elements.sendLeftWaiting();
	}

	private boolean sendError(Exception error) throws IpcException {
		return sendAnswer(() -> this.channel.sendError(id(), error));
	}

	private static boolean sendAnswer(Sending answer) throws IpcException {
		try {
			answer.send();
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/** Sends an answer. */
	@FunctionalInterface
	interface Sending {

		void send() throws IpcException;

	}

	boolean isBusy() {
		return this.current != null;
	}

	/** Whether a request, or the end, is there, or comes before it is worth sleeping. */
	boolean hasMore() throws IpcException {
		return socket().receiver().hasMore();
	}

	/** Whether the peer has closed the lane, and has left nothing to be read. */
	boolean hasEnded() {
		return socket().receiver().hasEnded();
	}

	/** Whether the peer has closed the lane, even if a request is left in it. */
	boolean isAbandoned() {
		return socket().receiver().isHungUp();
	}

	/** Waits for the next request, with all others. */
	synchronized void watchWhileIdle(IpcPoller poller) throws IpcException {
		startWatching(poller, Watch.IDLE);
	}

	/** Looks for a cancel, if the exchange has taken long enough. */
	synchronized void watchWhileBusy(IpcPoller poller, long nanos) {
		ServedExchange exchange = this.current;
		if (exchange != null && this.watch == Watch.NONE && exchange.mayBeCancelledAfter(nanos)) {
			try {
				startWatching(poller, Watch.BUSY);
			}
			catch (IpcException | IllegalStateException ex) {
				logger.debug("A request cannot be cancelled any more", ex); // closed
			}
		}
	}

	private void startWatching(IpcPoller poller, Watch watch) throws IpcException {
		poller.add(socket(), IpcPoller.Interest.READ);
		this.poller = poller;
		this.watch = watch;
	}

	private void stopWatching() {
		if (this.poller != null) {
			this.poller.remove(socket());
		}
		this.watch = Watch.NONE;
	}

	/**
	 * Called when something has arrived while the socket was watched.
	 * @return whether it is to be served
	 */
	synchronized boolean isReady() {
		boolean idle = this.watch == Watch.IDLE;
		if (idle || (this.watch == Watch.BUSY && !mayStillBeCancelled())) {
			stopWatching();
		}
		return idle;
	}

	/** Called by the thread that sends elements. */
	private synchronized boolean lookForReads() {
		return mayStillBeCancelled();
	}

	/** Takes remarks on the exchange, and nothing else, off the socket. */
	private boolean mayStillBeCancelled() {
		ServedExchange exchange = this.current;
		if (exchange == null) {
			return false;
		}
		try {
			int size = this.remarks.take(exchange, this.elements);
			if (size == 0 && this.peer != null && !this.peer.isFirst(this)) {
				exchange.cancel(); // the peer has given up the lane
			}
			if (size >= 0) {
				// The next request, or the end, is in the way.
				exchange.cannotBeCancelled();
			}
			return size < 0 && !exchange.isCancelled();
		}
		catch (IpcException ex) {
			logger.debug("A request cannot be cancelled any more", ex);
			return false;
		}
	}

	/** Closes the socket. A request that is being worked on is cancelled. */
	@Override
	public void close() {
		if (this.peer != null) {
			this.peer.closed(this);
		}
		socket().close();
		ServedExchange exchange = this.current;
		if (exchange != null) {
			exchange.cancel();
		}
	}

	/** What a socket is watched for. */
	private enum Watch {

		/** It is not. */
		NONE,

		/** The next request. */
		IDLE,

		/** Remarks on the one that is being worked on. */
		BUSY

	}

}
