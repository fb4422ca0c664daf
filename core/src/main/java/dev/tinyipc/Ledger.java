package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

import dev.tinyipc.MessageFilter.Verdict;
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

	/**
	 * The number of the last message, if nothing went to the peer after it, not even in
	 * vain; 0 otherwise. It is among what the peer leaves unread, if that is anything.
	 */
	private volatile long undisturbed;

	/** The number of the last message that was answered. */
	private volatile long answered;

	/** The number of the first message that was sent in an envelope. */
	private volatile long firstInEnvelope = Long.MAX_VALUE;

	/** The numbers of messages without an envelope, to a peer that repeats numbers. */
	private final Set<Long> bare = ConcurrentHashMap.newKeySet();

	/** The numbers of requests of which the peer was told that nobody waits. */
	private final Set<Long> cancelled = ConcurrentHashMap.newKeySet();

	/** A hello is the first message that comes, or none. */
	private volatile boolean mayGreet = true;

	private volatile @Nullable IpcHello hello;

	/** Called in the thread that receives the hello. */
	private volatile Runnable whenGreeted = () -> {
	};

	/** Came with the hello, for calls of the peer. */
	private @Nullable IpcSocket calls;

	/** Whether nobody can take it any more. */
	private boolean callsClosed;

	private boolean toldOfDropped;

	/** How the peer broke the protocol. */
	private volatile @Nullable String fault;

	Ledger(String peer) {
		this.peer = peer;
	}

	/** For a further socket to a peer that has said hello on its first one. */
	Ledger(String peer, IpcHello hello) {
		this.peer = peer;
		this.hello = hello;
		this.mayGreet = false;
	}

	/** See {@link IpcRequester#awaitHello}. */
	IpcHello awaitHello(IpcChannel channel, Deadline deadline) throws IpcException {
		try {
			if (this.mayGreet) {
				channel.receiveWanted(Object.class, deadline, this::greeting);
			}
		}
		catch (IpcException.Timeout ex) {
			throw new IpcException.Timeout(this.peer + " has not said hello in time: " + ex.getMessage());
		}
		IpcHello hello = this.hello;
		if (hello == null) {
			throw this.mayGreet ? new IpcException.PeerClosed("the peer closed its socket before its hello")
					: new IpcException(this.peer + " has not said hello");
		}
		return hello;
	}

	/**
	 * Enters a message that is about to be sent.
	 * @param exchange whose request it is; null for a one-way message
	 * @return the number to put on its envelope; empty if the peer knows none
	 */
	OptionalLong enter(@Nullable Exchange exchange) {
		long number = this.sent + 1;
		this.sent = number;
		this.undisturbed = number;
		if (exchange != null) {
			exchange.number(number);
		}
		IpcHello hello = this.hello;
		if (hello != null && hello.envelope() && this.firstInEnvelope > number) {
			this.firstInEnvelope = number;
		}
		return (this.firstInEnvelope <= number) ? OptionalLong.of(number) : OptionalLong.empty();
	}

	/** As {@link #enter}, for a request that has no envelope to any peer. */
	void enterBare(Exchange exchange) {
		long number = this.sent + 1;
		this.bare.add(number);
		this.sent = number;
		this.undisturbed = number;
		exchange.number(number);
	}

	/** Strikes out the message that was entered last: the peer has not read it. */
	void strikeOut(@Nullable Exchange exchange) {
		this.undisturbed = 0; // it may be left unread all the same
		this.sent--;
		if (exchange != null) {
			exchange.number(0);
		}
	}

	/** Opens a possible answer to an exchange. */
	Verdict replyTo(Exchange exchange, ByteBuffer body, Packet packet) throws IpcException {
		if (isHello(body, packet)) {
			return Verdict.DROP;
		}
		long number = numberOf(body);
		if (number == 0) {
			throw broken(" answered without the number that its hello promised to repeat");
		}
		if (Long.compareUnsigned(number, exchange.number()) > 0) {
			throw broken(" answered message " + Long.toUnsignedString(number) + ", and the reply to "
					+ exchange.number() + " was due");
		}
		if (number <= this.answered) {
			// Not the reply to this exchange, which is still to come.
			this.fault = this.peer + " answered a message twice";
			return Verdict.DROP;
		}
		StreamItem item = itemIn(body);
		if (!item.hasElements()) {
			this.answered = number;
		}
		boolean expected = wasCancelled(number, item);
		if (number < exchange.number()) {
			if (!expected) {
				tellOfDropped();
			}
			return Verdict.DROP;
		}
		return exchange.accept(item, ErrorItem.isOne(body), !packet.descriptors().isEmpty());
	}

	/** Drops any message, which must be an answer that was owed. */
	Verdict dropped(ByteBuffer body, Packet packet) throws IpcException {
		if (!isHello(body, packet)) {
			long number = numberOf(body);
			if (number > this.answered && number <= this.sent) {
				StreamItem item = itemIn(body);
				if (!item.hasElements()) {
					this.answered = number;
				}
				if (!wasCancelled(number, item)) {
					tellOfDropped();
				}
			}
			else {
				this.fault = this.peer + " sent a message that nobody asked for: it must answer each message once, and"
						+ " otherwise send only if it is declared as one-way"
						+ (isNumbered() ? "" : ". If it did so before, replies may have reached the wrong callers");
			}
		}
		return Verdict.DROP;
	}

	/** Called before the peer is told that nobody waits for a reply. */
	void cancelled(Exchange exchange) {
		remarked();
		this.cancelled.add(exchange.number());
	}

	/** Called before the peer is told something about the last request. */
	void remarked() {
		this.undisturbed = 0;
	}

	/** Whether an answer is dropped as a matter of course. */
	private boolean wasCancelled(long number, StreamItem item) {
		if (this.cancelled.isEmpty()) {
			return false;
		}
		boolean was = this.cancelled.contains(number);
		if (!item.hasElements()) {
			this.cancelled.removeIf((each) -> each <= number);
		}
		return was;
	}

	/** Wants any message but a hello: the answer to a one-way message, or another. */
	Verdict anyMessage(ByteBuffer body, Packet packet) throws IpcException {
		if (isHello(body, packet)) {
			return Verdict.DROP;
		}
		long number = numberOf(body);
		StreamItem item = itemIn(body);
		if (!item.hasElements()) {
			this.answered = Math.min(this.sent, Math.max(this.answered, number));
			wasCancelled(number, item); // and is no more
		}
		return (item != StreamItem.END) ? Verdict.DELIVER : Verdict.DROP;
	}

	/** Wants the hello, and refuses any other message. */
	Verdict greeting(ByteBuffer body, Packet packet) throws IpcException {
		if (isHello(body, packet)) {
			return Verdict.END;
		}
		throw broken(" sent another message before its hello");
	}

	private boolean isHello(ByteBuffer body, Packet packet) throws IpcException {
		if (!this.mayGreet) {
			return false;
		}
		this.mayGreet = false;
		if (!IpcHello.isOne(body)) {
			return false;
		}
		try {
			IpcHello hello = IpcHello.read(body);
			keepCalls(ReceivedSocket.takeFrom(packet));
			this.hello = hello;
			this.whenGreeted.run();
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
		boolean mayHaveEnvelope = this.firstInEnvelope <= this.sent;
		long usual = mayHaveEnvelope ? Envelope.openAnswer(body) : 0;
		if (usual != 0) {
			return usual;
		}
		Envelope envelope = mayHaveEnvelope ? open(body) : null;
		if (envelope != null) {
			return envelope.id().orElse(0);
		}
		long next = this.answered + 1;
		// Without a number come only the answers to messages without one, errors, because
		// the peer could not read the envelope, and the parts of a stream.
		boolean mayBeBare = next < this.firstInEnvelope || this.bare.remove(next) || ErrorItem.isOne(body)
				|| StreamItem.isOne(body);
		return mayBeBare ? next : 0;
	}

	private @Nullable Envelope open(ByteBuffer body) throws IpcException {
		try {
			return Envelope.open(body);
		}
		catch (JacksonException ex) {
			throw broken(" sent a malformed envelope: " + ex.getOriginalMessage());
		}
	}

	private StreamItem itemIn(ByteBuffer body) throws IpcException {
		try {
			return StreamItem.open(body);
		}
		catch (JacksonException ex) {
			throw broken(": " + ex.getOriginalMessage());
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

	/** Whether a message is unread if the peer leaves anything unread. */
	boolean isUndisturbed(long number) {
		return number == this.undisturbed;
	}

	long owed() {
		return this.sent - this.answered;
	}

	long owedBefore(long number) {
		return number - 1 - this.answered;
	}

	/** The number of the last message that was answered; 0 if none was. */
	long lastAnswered() {
		return this.answered;
	}

	boolean hasAnswered(long number) {
		return number <= this.answered;
	}

	/** What the peer has said that it can do; null if it has not. */
	@Nullable IpcHello hello() {
		return this.hello;
	}

	void whenGreeted(Runnable action) {
		this.whenGreeted = action;
	}

	private synchronized void keepCalls(@Nullable IpcSocket socket) {
		this.calls = socket;
		if (this.callsClosed) {
			closeCalls();
		}
	}

	/** The socket that came with the hello, which is handed out once. */
	synchronized @Nullable IpcSocket takeCalls() {
		IpcSocket socket = this.calls;
		this.calls = null;
		return socket;
	}

	/** Closes it, if nobody has taken it, also if it is yet to come. */
	synchronized void closeCalls() {
		this.callsClosed = true;
		IpcSocket socket = takeCalls();
		if (socket != null) {
			socket.close();
		}
	}

	/** Whether messages are sent with numbers. */
	boolean isNumbered() {
		return this.firstInEnvelope != Long.MAX_VALUE;
	}

	@Nullable String fault() {
		return this.fault;
	}

}
