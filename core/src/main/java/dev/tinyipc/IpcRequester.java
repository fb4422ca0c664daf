package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import tools.jackson.core.JacksonException;

/**
 * The asking end of a channel, which knows what its peer owes. A peer answers each
 * message once, in order, so a requester numbers the messages that it sends and counts
 * the answers: the answer to a message that nobody waits for, because it was sent one way
 * or because its exchange was given up, is dropped when it comes. A peer that said so in
 * its hello repeats the number in its answers; of any other the count is all there is.
 *
 * <p>
 * Messages may be sent by any thread at any time. Exchanges and receives need the
 * requester to themselves: whoever lends it to several threads lends it to one after the
 * other.
 */
public final class IpcRequester {

	private static final Logger logger = LoggerFactory.getLogger(IpcRequester.class);

	/** So many answers to one-way messages are kept for {@link #receive}. */
	static final int MAX_KEPT_ANSWERS = 64;

	/** The rest of a message is on its way once its first packet has come. */
	private static final Duration REST_OF_A_MESSAGE = Duration.ofSeconds(1);

	private final IpcChannel channel;

	/** What messages call the peer. */
	private final String peer;

	/** Whether each message is answered once. */
	private final boolean answers;

	private final ReentrantLock sending = new ReentrantLock();

	private final ReentrantLock receiving = new ReentrantLock();

	/** The number of the message that was sent last. */
	private volatile long sent;

	/** The number of the message that was answered last. */
	private volatile long answered;

	/** Whether the peer repeats the number of an envelope. */
	private volatile boolean mayNumber;

	/** The number of the first message that was sent in an envelope. */
	private volatile long firstInEnvelope = Long.MAX_VALUE;

	/** A hello is the first message that comes, or none. */
	private boolean mayGreet;

	private boolean toldOfDropped;

	/** What the peer did that it must not do. */
	private volatile @Nullable String fault;

	private IpcRequester(IpcChannel channel, String peer, boolean answers) {
		this.channel = channel;
		this.peer = peer;
		this.answers = answers;
		this.mayGreet = answers;
	}

	/**
	 * Asks a peer that answers each message once.
	 * @param channel the channel to it, over which nobody else sends or receives
	 * @param peer what the log calls it, such as {@code child process 'worker'}
	 * @return the requester
	 */
	public static IpcRequester over(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, true);
	}

	/**
	 * Talks to a peer that sends when it likes. A request can still be made of it: the
	 * message that comes next is taken for the reply.
	 * @param channel the channel to it
	 * @param peer what the log calls it
	 * @return the requester
	 */
	public static IpcRequester uncounted(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, false);
	}

	/**
	 * The channel below.
	 * @return the channel that this was made over
	 */
	public IpcChannel channel() {
		return this.channel;
	}

	/**
	 * Begins an exchange.
	 * @param deadline until when request and reply may wait
	 * @return the exchange
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException if it has sent what nobody asked for
	 */
	public Exchange begin(Deadline deadline) throws IpcException {
		// Numbered answers cannot be mistaken, so that nobody need look for stray ones.
		if (!repeatsNumbers()) {
			State state = look();
			if (state == State.ENDED) {
				throw new IpcException.PeerClosed("the peer closed its socket");
			}
			if (state == State.FAULTY) {
				throw new IpcException(String.valueOf(this.fault));
			}
			if (!this.answers && this.channel.socket().pendingSize().isPresent()) {
				throw new IpcException("a message of " + this.peer
						+ " waits to be received, and would be taken for the reply: receive it first");
			}
		}
		return new Exchange(this, deadline);
	}

	/**
	 * Sends a message whose answer nobody waits for. It can be received; if it is not, it
	 * is dropped.
	 * @param payload the value to send
	 * @param deadline until when this may wait for room
	 * @param descriptors at most 253; they stay the caller's
	 * @return the size of the message on the wire, in bytes
	 * @throws IpcException as {@link IpcChannel#send}
	 */
	public long send(@Nullable Object payload, Deadline deadline, OwnedFd... descriptors) throws IpcException {
		if (this.answers && owed() >= MAX_KEPT_ANSWERS) {
			// A peer that cannot get its answers out takes no further messages.
			look();
		}
		return send(null, payload, deadline, descriptors);
	}

	long send(@Nullable Exchange exchange, @Nullable Object payload, Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		deadline.lock(this.sending, this.peer);
		try {
			// Owed before a byte is sent: whatever goes wrong in between, the answer
			// cannot
			// become somebody else's.
			long number = this.sent + 1;
			this.sent = number;
			if (exchange != null) {
				exchange.number(number);
			}
			if (this.mayNumber && this.firstInEnvelope > number) {
				this.firstInEnvelope = number;
			}
			try {
				OptionalLong id = (this.firstInEnvelope <= number) ? OptionalLong.of(number) : OptionalLong.empty();
				return this.channel.sendNumbered(id, payload, deadline, descriptors);
			}
			catch (JacksonException | IllegalArgumentException | IllegalStateException | IpcException ex) {
				if (!this.channel.socket().isBroken()) {
					this.sent = number - 1;
					if (exchange != null) {
						exchange.number(0);
					}
				}
				throw ex;
			}
		}
		finally {
			this.sending.unlock();
		}
	}

	/**
	 * Receives the next message, be it the answer to a message that was sent one way or
	 * one that the peer sent by itself.
	 * @param type what the message is read as
	 * @param deadline until when this may wait
	 * @param <T> the same type
	 * @return the message, to be closed by the caller
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException as {@link IpcChannel#receive}
	 */
	public <T> IpcMessage<T> receive(Class<T> type, Deadline deadline) throws IpcException {
		return receive(type, deadline, this::isAnyMessage);
	}

	<T> IpcMessage<T> receiveReply(Class<T> type, Deadline deadline, Exchange exchange) throws IpcException {
		try {
			return receive(type, deadline, this.answers ? (body) -> isReplyTo(exchange, body) : (body) -> {
				exchange.answered();
				return true;
			});
		}
		catch (IpcException.PeerClosed ex) {
			// What was sent last is among what the peer has left unread.
			if (exchange.number() == this.sent && this.channel.socket().receiver().hasPeerLeftUnread()) {
				exchange.number(0);
			}
			throw ex;
		}
	}

	private <T> IpcMessage<T> receive(Class<T> type, Deadline deadline, IpcChannel.Filter filter) throws IpcException {
		deadline.lock(this.receiving, this.peer);
		try {
			IpcMessage<T> message = this.channel.receiveWanted(type, deadline, filter);
			if (message == null) {
				throw new IpcException.PeerClosed("the peer closed its socket");
			}
			return message;
		}
		finally {
			this.receiving.unlock();
		}
	}

	/**
	 * Looks, without waiting, whether the next message that comes is the answer to the
	 * next request, and drops what is not. To be called while nobody receives.
	 * @return what the socket is like
	 * @throws IpcException if what has come is malformed
	 */
	public State look() throws IpcException {
		if (!this.receiving.tryLock()) {
			return State.OWING; // to whoever receives
		}
		try {
			while (this.fault == null) {
				OptionalInt pending = this.channel.socket().pendingSize();
				if (pending.isEmpty()) {
					return (owed() > 0) ? State.OWING : State.IN_STEP;
				}
				if (pending.getAsInt() == 0) {
					return State.ENDED;
				}
				if (!this.answers) {
					return State.IN_STEP;
				}
				this.channel.drop(Deadline.in(REST_OF_A_MESSAGE), this::isDropped);
			}
			return State.FAULTY;
		}
		finally {
			this.receiving.unlock();
		}
	}

	/** Opens the envelope, if there is one, of what may be the reply of an exchange. */
	private boolean isReplyTo(Exchange exchange, ByteBuffer body) throws IpcException {
		if (isHello(body)) {
			return false;
		}
		long number = numberOf(body);
		if (number <= this.answered) {
			// Not that of this exchange, which still comes.
			this.fault = this.peer + " answered a message twice, or without the number that it said it repeats";
			return false;
		}
		if (number > exchange.number()) {
			throw new IpcException(
					this.peer + " answered message " + number + ", and the reply to " + exchange.number() + " was due");
		}
		this.answered = number;
		if (number < exchange.number()) {
			tellOfDropped();
			return false;
		}
		exchange.answered();
		return true;
	}

	/** Whatever comes is dropped, and must have been owed. */
	private boolean isDropped(ByteBuffer body) throws IpcException {
		if (!isHello(body)) {
			long number = numberOf(body);
			if (number <= this.answered || number > this.sent) {
				this.fault = this.peer + " sent a message that nobody asked for: it must answer each message once, and"
						+ " otherwise send only if it is declared as one-way";
			}
			else {
				this.answered = number;
				tellOfDropped();
			}
		}
		return false;
	}

	private boolean isAnyMessage(ByteBuffer body) throws IpcException {
		if (isHello(body)) {
			return false;
		}
		if (this.answers) {
			this.answered = Math.min(this.sent, Math.max(this.answered, numberOf(body)));
		}
		return true;
	}

	private boolean isHello(ByteBuffer body) {
		if (!this.mayGreet) {
			return false;
		}
		this.mayGreet = false;
		if (!Hello.isOne(body)) {
			return false;
		}
		this.mayNumber = Hello.read(body).envelope();
		return true;
	}

	/**
	 * Which message a body answers; 0 for none. What is left of it then is the payload.
	 */
	private long numberOf(ByteBuffer body) {
		Envelope envelope = (this.firstInEnvelope <= this.sent) ? Envelope.read(body) : null;
		long number = this.answered + 1;
		if (envelope != null) {
			body.limit(envelope.end()).position(envelope.start());
			number = envelope.id().orElse(0);
		}
		// Only what was sent without a number may be answered without.
		return (envelope != null || number < this.firstInEnvelope) ? number : 0;
	}

	private void tellOfDropped() {
		if (!this.toldOfDropped) {
			this.toldOfDropped = true;
			logger.warn("{} answered a message that was sent one way, or whose caller has given up: the answer is"
					+ " dropped, as all further ones will be. Send requests with convertSendAndReceive, receive the"
					+ " answers to one-way messages, or declare the child as one-way if it does not answer", this.peer);
		}
	}

	/**
	 * How many messages the peer has not answered yet.
	 * @return 0 if the next message that comes is the answer to the next request
	 */
	public long owed() {
		return this.sent - this.answered;
	}

	/**
	 * Whether the peer has answered anything yet.
	 * @return whether it has
	 */
	public boolean hasAnswered() {
		return this.answered > 0;
	}

	boolean hasAnswered(long number) {
		return this.answers && number <= this.answered;
	}

	/**
	 * Whether the peer repeats the numbers of messages, so that no answer can be mistaken
	 * for another.
	 * @return false as long as no message was sent to a peer that said so in its hello
	 */
	public boolean repeatsNumbers() {
		return this.firstInEnvelope != Long.MAX_VALUE;
	}

	/**
	 * Whether what comes can still be told apart.
	 * @return false if the peer did what it must not do, or the socket is broken
	 */
	public boolean isUsable() {
		return this.fault == null && !this.channel.socket().isBroken();
	}

	/**
	 * What the peer did that it must not do.
	 * @return a sentence, or null if it did no such thing
	 */
	public @Nullable String fault() {
		return this.fault;
	}

	/** What the socket of a requester is like. */
	public enum State {

		/** The next message that comes is the answer to the next request. */
		IN_STEP,

		/** Answers to earlier messages have not come yet. */
		OWING,

		/** The peer has sent what nobody asked for: it cannot be trusted any more. */
		FAULTY,

		/** The peer has closed its end. */
		ENDED

	}

}
