package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The messages that were sent to a peer, and those that it has answered. A message is
 * entered before its first byte is sent: whatever fails, no other exchange gets its
 * answer.
 * <p>
 * Messages are entered behind the requester's sending lock, and answers behind its
 * receiving lock.
 */
final class Ledger {

	private static final Logger logger = LoggerFactory.getLogger(IpcRequester.class);

	/** What messages call the peer. */
	private final String peer;

	/** The number of the last message that was sent. */
	private volatile long sent;

	/** The number of the last message that was answered. */
	private volatile long answered;

	/** Whether the peer repeats the number of an envelope. */
	private volatile boolean mayNumber;

	/** The number of the first message that was sent in an envelope. */
	private volatile long firstInEnvelope = Long.MAX_VALUE;

	/** A hello is the first message that comes, or none. */
	private boolean mayGreet = true;

	private volatile boolean hasGreeted;

	private boolean toldOfDropped;

	/** How the peer broke the protocol. */
	private volatile @Nullable String fault;

	Ledger(String peer) {
		this.peer = peer;
	}

	/**
	 * Enters a message that is about to be sent.
	 * @param exchange whose request it is; null for a one-way message
	 * @return the number to put on its envelope; empty if the peer knows none
	 */
	OptionalLong enter(@Nullable Exchange exchange) {
		long number = this.sent + 1;
		this.sent = number;
		if (exchange != null) {
			exchange.number(number);
		}
		if (this.mayNumber && this.firstInEnvelope > number) {
			this.firstInEnvelope = number;
		}
		return (this.firstInEnvelope <= number) ? OptionalLong.of(number) : OptionalLong.empty();
	}

	/** Strikes out the message that was entered last: nothing of it was sent. */
	void strikeOut(@Nullable Exchange exchange) {
		this.sent--;
		if (exchange != null) {
			exchange.number(0);
		}
	}

	/** Opens the envelope, if there is one, of a possible reply to an exchange. */
	boolean isReplyTo(Exchange exchange, ByteBuffer body) throws IpcException {
		if (isHello(body)) {
			return false;
		}
		long number = numberOf(body);
		if (number == 0) {
			throw broken(" answered without the number that its hello promised to repeat");
		}
		if (number > exchange.number()) {
			throw broken(" answered message " + number + ", and the reply to " + exchange.number() + " was due");
		}
		if (number <= this.answered) {
			// Not the reply to this exchange, which is still to come.
			this.fault = this.peer + " answered a message twice";
			return false;
		}
		this.answered = number;
		if (number < exchange.number()) {
			tellOfDropped();
			return false;
		}
		exchange.answered();
		return true;
	}

	/** Drops any message, which must be an answer that was owed. */
	boolean isDropped(ByteBuffer body) throws IpcException {
		if (!isHello(body)) {
			long number = numberOf(body);
			if (number > this.answered && number <= this.sent) {
				this.answered = number;
				tellOfDropped();
			}
			else {
				this.fault = this.peer + " sent a message that nobody asked for: it must answer each message once, and"
						+ " otherwise send only if it is declared as one-way"
						+ (isNumbered() ? "" : ". If it did so before, replies may have reached the wrong callers");
			}
		}
		return false;
	}

	/** Wants any message but a hello: the answer to a one-way message, or another. */
	boolean isAnyMessage(ByteBuffer body) throws IpcException {
		if (isHello(body)) {
			return false;
		}
		this.answered = Math.min(this.sent, Math.max(this.answered, numberOf(body)));
		return true;
	}

	private boolean isHello(ByteBuffer body) throws IpcException {
		if (!this.mayGreet) {
			return false;
		}
		this.mayGreet = false;
		if (!Hello.isOne(body)) {
			return false;
		}
		try {
			this.mayNumber = Hello.read(body).envelope();
			this.hasGreeted = true;
			return true;
		}
		catch (JacksonException ex) {
			throw broken(" sent a malformed hello: " + ex.getOriginalMessage());
		}
	}

	/**
	 * The message that a body answers, or 0 if it does not say. What is left of the body
	 * is the payload.
	 */
	private long numberOf(ByteBuffer body) throws IpcException {
		Envelope envelope = (this.firstInEnvelope <= this.sent) ? open(body) : null;
		if (envelope != null) {
			return envelope.id().orElse(0);
		}
		long next = this.answered + 1;
		// Only messages without a number are answered without one, and envelopes that the
		// peer could not read.
		return (next < this.firstInEnvelope || ErrorItem.isOne(body)) ? next : 0;
	}

	private @Nullable Envelope open(ByteBuffer body) throws IpcException {
		try {
			Envelope envelope = Envelope.read(body);
			if (envelope != null) {
				body.limit(envelope.end()).position(envelope.start());
			}
			return envelope;
		}
		catch (JacksonException ex) {
			throw broken(" sent a malformed envelope: " + ex.getOriginalMessage());
		}
	}

	private IpcException broken(String how) {
		String fault = this.peer + how;
		this.fault = fault;
		return new IpcException(fault);
	}

	private void tellOfDropped() {
		if (!this.toldOfDropped) {
			this.toldOfDropped = true;
			logger.warn(
					"{} answered a message that was sent one-way, or whose caller has given up: the answer is"
							+ " dropped, as are all further ones. Send requests with convertSendAndReceive, receive the"
							+ " answers to one-way messages, or declare the child as one-way if it does not answer",
					this.peer);
		}
	}

	/** Whether a message is the last one that was sent. */
	boolean isLast(long number) {
		return number == this.sent;
	}

	long owed() {
		return this.sent - this.answered;
	}

	long owedBefore(long number) {
		return number - 1 - this.answered;
	}

	boolean hasAnswered(long number) {
		return number <= this.answered;
	}

	boolean hasGreeted() {
		return this.hasGreeted;
	}

	/** Whether messages are sent with numbers. */
	boolean isNumbered() {
		return this.firstInEnvelope != Long.MAX_VALUE;
	}

	@Nullable String fault() {
		return this.fault;
	}

}
