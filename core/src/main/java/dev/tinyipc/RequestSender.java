package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sending side of an {@link IpcRequester}: enters each message in the ledger, in the
 * order in which they are sent, and puts those that the peer can answer by number into an
 * envelope.
 */
final class RequestSender {

	private static final Logger logger = LoggerFactory.getLogger(IpcRequester.class);

	/** A cancel is small: there is no room for it only if the peer does not read. */
	private static final Duration TIME_TO_CANCEL = Duration.ofMillis(100);

	private final IpcChannel channel;

	/** The peer's name in log and exception messages. */
	private final String peer;

	private final Ledger ledger;

	private final ReentrantLock sending = new ReentrantLock();

	/** As the channel, but with the limit of the peer for what is sent. */
	private volatile @Nullable IpcChannel limited;

	RequestSender(IpcChannel channel, String peer, Ledger ledger) {
		this.channel = channel;
		this.peer = peer;
		this.ledger = ledger;
	}

	/**
	 * Sends a message.
	 * @param exchange whose request it is; null for a one-way message
	 */
	long send(@Nullable Exchange exchange, @Nullable Object payload, Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		deadline.lock(this.sending, this.peer);
		try {
			if (exchange != null) {
				checkWorthwhile(deadline);
			}
			OptionalLong id = this.ledger.enter(exchange);
			Prefix prefix = (exchange != null && id.isPresent()) ? (target, at) -> writeEnvelope(exchange, target, at)
					: Prefix.of(id);
			return send(exchange, prefix, payload, deadline, descriptors);
		}
		finally {
			this.sending.unlock();
		}
	}

	/** Sends what was entered in the ledger. */
	private long send(@Nullable Exchange exchange, Prefix prefix, @Nullable Object payload, Deadline deadline,
			OwnedFd... descriptors) throws IpcException {
		boolean sent = false;
		try {
			IpcChannel channel = outgoing();
			long size = (exchange != null)
					? channel.sendRequest(exchange, prefix, payload, deadline, blocksSize(), descriptors)
					: channel.send(prefix, payload, deadline, descriptors);
			sent = true;
			return size;
		}
		finally {
			// Also if an Error was thrown, by a serializer for example.
			if (!sent && !this.channel.socket().isBroken()) {
				this.ledger.strikeOut(exchange);
			}
		}
	}

	/** Waits for the hello, if it may still come, because it must say something. */
	void requireEnvelopes(IpcRequester requester, Deadline deadline) throws IpcException {
		IpcHello hello = this.ledger.hello();
		if (hello == null && this.ledger.owed() == 0) {
			hello = requester.awaitHello(deadline);
		}
		if (hello == null || !hello.envelope()) {
			throw new IpcException("The peer does not know methods and headers: it must say hello, with \"envelope\","
					+ " before it receives any message");
		}
	}

	/** Accepts no blocks while earlier answers are still to come. */
	private int writeEnvelope(Exchange exchange, ByteBuffer target, int at) {
		IpcHello hello = this.ledger.hello();
		boolean acceptsBlocks = hello != null && hello.blocks() > 0 && this.ledger.owed() == 1;
		int size = acceptsBlocks ? this.channel.maxBlocksSize() : 0;
		String unread = (size > 0) ? this.channel.receivedBlocks().unreadReplies() : "";
		boolean fits = unread.length() <= Envelope.MAX_TEXT_LENGTH;
		return exchange.writeEnvelope(target, at, fits ? size : 0, unread);
	}

	/** How many bytes of a request the peer accepts in blocks. */
	private long blocksSize() {
		IpcHello hello = this.ledger.hello();
		if (hello == null || hello.blocks() == 0 || this.channel.maxBlocksSize() == 0) {
			return 0;
		}
		this.channel.blocks().answered(this.ledger.lastAnswered());
		return hello.blocks();
	}

	private IpcChannel outgoing() {
		IpcChannel known = this.limited;
		if (known != null) {
			return known;
		}
		IpcHello hello = this.ledger.hello();
		if (hello == null) {
			return this.channel;
		}
		IpcChannel limited = (hello.maxMessageSize() > 0) ? this.channel.toPeerWithLimit(hello.maxMessageSize())
				: this.channel;
		this.limited = limited;
		return limited;
	}

	/**
	 * Tells the peer that nobody waits for a reply. A cancel has no number: if anything
	 * was sent after the request, the peer could take it for a cancel of that.
	 * @return whether the peer was told
	 */
	boolean cancel(Exchange exchange) {
		IpcHello hello = this.ledger.hello();
		if (hello == null || !hello.cancel()) {
			return false;
		}
		Deadline deadline = Deadline.in(TIME_TO_CANCEL);
		try {
			deadline.lock(this.sending, this.peer);
		}
		catch (IpcException ex) {
			return false; // others send, and the peer does not read
		}
		try {
			boolean isDue = isDue(exchange);
			if (isDue) {
				this.ledger.cancelled(exchange);
				this.channel.outbox().sendCancel(deadline);
			}
			return isDue;
		}
		catch (IpcException ex) {
			logger.debug("{} could not be told to cancel", this.peer, ex);
			return false;
		}
		finally {
			this.sending.unlock();
		}
	}

	/**
	 * Tells the peer, without waiting, how many messages with elements were read.
	 * @return whether it was told: not if there is no room, or somebody else sends
	 */
	boolean tellRead(Exchange exchange, int count) {
		if (!isDue(exchange) || !this.sending.tryLock()) {
			return false;
		}
		try {
			boolean isDue = isDue(exchange); // still
			if (isDue) {
				this.ledger.remarked();
				this.channel.outbox().sendRead(count, Deadline.in(Duration.ZERO));
			}
			return isDue;
		}
		catch (IpcException ex) {
			logger.debug("{} could not be told that its elements were read", this.peer, ex);
			return false;
		}
		finally {
			this.sending.unlock();
		}
	}

	/** Whether what comes next is about this exchange, for all that the peer knows. */
	private boolean isDue(Exchange exchange) {
		return this.ledger.isLast(exchange.number()) && !exchange.isAnswered();
	}

	/** A request whose reply nobody would wait for keeps the peer from another's. */
	private static void checkWorthwhile(Deadline deadline) throws IpcException {
		if (deadline.hasPassed()) {
			throw new IpcException.Timeout("the time was over before the request could be sent");
		}
		if (deadline.isInterruptible() && Thread.currentThread().isInterrupted()) {
			throw new IpcException.Interrupted("the thread was interrupted before the request was sent");
		}
	}

	/** Lets nobody else send, until {@link #unlock()}. */
	void lock(Deadline deadline) throws IpcException {
		deadline.lock(this.sending, this.peer);
	}

	void unlock() {
		this.sending.unlock();
	}

	/** Sends the request for a lane, which has no envelope. */
	void sendBare(Exchange exchange, Deadline deadline, OwnedFd... descriptors) throws IpcException {
		lock(deadline);
		try {
			checkWorthwhile(deadline);
			this.ledger.enterBare(exchange);
			send(exchange, Prefix.NONE, null, deadline, descriptors);
		}
		finally {
			unlock();
		}
	}

}
