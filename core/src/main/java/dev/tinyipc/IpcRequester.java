package dev.tinyipc;

import java.time.Duration;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * The requesting end of a channel, which tracks the answers that its peer owes. A peer
 * answers each message once, in order, so a requester numbers the messages that it sends
 * and counts the answers. It drops an answer that nobody waits for, because the message
 * was sent one-way or the exchange was abandoned. A peer whose hello promised it repeats
 * the number in its answers; with any other, only the count helps.
 *
 * <p>
 * Any thread may send at any time. Exchanges and receives must not overlap: threads that
 * share a requester take turns.
 */
public final class IpcRequester {

	/** How many answers to one-way messages are kept for {@link #receive}. */
	static final int MAX_KEPT_ANSWERS = 64;

	/** The rest of a message is on its way once its first packet has arrived. */
	private static final Duration REST_OF_A_MESSAGE = Duration.ofSeconds(1);

	private final IpcChannel channel;

	/** The peer's name in log and exception messages. */
	private final String peer;

	/** Whether the peer answers each message once. */
	private final boolean answers;

	private final ReentrantLock sending = new ReentrantLock();

	private final ReentrantLock receiving = new ReentrantLock();

	private final Ledger ledger;

	private IpcRequester(IpcChannel channel, String peer, boolean answers) {
		this.channel = channel;
		this.peer = peer;
		this.answers = answers;
		this.ledger = new Ledger(peer);
	}

	/**
	 * Creates a requester for a peer that answers each message once.
	 * @param channel the channel to it, over which nobody else sends or receives
	 * @param peer its name in the log, such as {@code child process 'worker'}
	 * @return the requester
	 */
	public static IpcRequester over(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, true);
	}

	/**
	 * Creates a requester for a peer that may send at any time. It can still be asked:
	 * its next message counts as the reply.
	 * @param channel the channel to it
	 * @param peer its name in the log
	 * @return the requester
	 */
	public static IpcRequester uncounted(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, false);
	}

	/**
	 * The channel to the peer.
	 * @return the channel that this requester was created with
	 */
	public IpcChannel channel() {
		return this.channel;
	}

	/**
	 * Begins an exchange.
	 * @param deadline how long request and reply may wait
	 * @return the exchange
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException if it has sent a message that nobody asked for
	 */
	public Exchange begin(Deadline deadline) throws IpcException {
		// Numbered answers cannot be mixed up: there is no need to look for stray ones.
		if (!repeatsNumbers()) {
			State state = look();
			if (state == State.ENDED) {
				throw new IpcException.PeerClosed("the peer closed its socket");
			}
			if (state == State.FAULTY) {
				throw new IpcException(String.valueOf(fault()));
			}
			if (!this.answers && this.channel.socket().pendingSize().isPresent()) {
				throw new IpcException("a message of " + this.peer
						+ " waits to be received, and would be taken for the reply: receive it first");
			}
		}
		return new Exchange(this, deadline);
	}

	/**
	 * Sends a message one-way. Its answer can be received; otherwise it is dropped.
	 * @param payload the value to send
	 * @param deadline how long this may wait for room
	 * @param descriptors at most 253; the caller keeps them
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
			if (exchange != null) {
				checkWorthwhile(deadline);
			}
			OptionalLong id = this.ledger.enter(exchange);
			boolean sent = false;
			try {
				long size = this.channel.sendNumbered(id, payload, deadline, descriptors);
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
		finally {
			this.sending.unlock();
		}
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

	/**
	 * Receives the next message: the answer to a one-way message, or an unsolicited one.
	 * @param type the type to read the message as
	 * @param deadline how long this may wait
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException as {@link IpcChannel#receive}
	 */
	public <T> IpcMessage<T> receive(Class<T> type, Deadline deadline) throws IpcException {
		return receive(type, deadline, this.answers ? this.ledger::isAnyMessage : IpcChannel.Filter.ALL);
	}

	<T> IpcMessage<T> receiveReply(Class<T> type, Deadline deadline, Exchange exchange) throws IpcException {
		try {
			return receive(type, deadline, this.answers ? (body) -> this.ledger.isReplyTo(exchange, body) : (body) -> {
				exchange.answered();
				return true;
			});
		}
		catch (IpcException.Timeout ex) {
			long unanswered = this.ledger.owedBefore(exchange.number());
			if (!this.answers || unanswered <= 0) {
				throw ex;
			}
			throw new IpcException.Timeout(ex.getMessage() + "; messages sent before it that are unanswered, too: "
					+ unanswered + ". A peer that does not answer one-way messages must be declared as one-way");
		}
		catch (IpcException.PeerClosed ex) {
			// The last message is among those that the peer left unread.
			if (this.ledger.isLast(exchange.number()) && this.channel.socket().receiver().hasPeerLeftUnread()) {
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
	 * Checks, without waiting, whether the next message will answer the next request, and
	 * drops earlier answers. Must not be called while another thread receives.
	 * @return the state of the socket
	 * @throws IpcException if what has arrived is malformed
	 */
	public State look() throws IpcException {
		if (!this.receiving.tryLock()) {
			return State.OWING; // to the thread that receives
		}
		try {
			while (fault() == null) {
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
				this.channel.drop(Deadline.in(REST_OF_A_MESSAGE), this.ledger::isDropped);
			}
			return State.FAULTY;
		}
		finally {
			this.receiving.unlock();
		}
	}

	/**
	 * The number of messages that the peer has not answered yet.
	 * @return 0 if the next message will answer the next request
	 */
	public long owed() {
		return this.ledger.owed();
	}

	/**
	 * Whether the peer has answered a message yet.
	 * @return whether it has
	 */
	public boolean hasAnswered() {
		return this.ledger.hasAnswered(1);
	}

	/**
	 * Whether the peer has shown that it is up, by a hello or an answer.
	 * @return false if it may still be starting
	 */
	public boolean isUp() {
		return this.ledger.hasGreeted() || hasAnswered();
	}

	boolean hasAnswered(long number) {
		return this.answers && this.ledger.hasAnswered(number);
	}

	/**
	 * Whether the peer repeats the numbers of messages: answers cannot be mixed up.
	 * @return false until a message was sent to a peer whose hello promised it
	 */
	public boolean repeatsNumbers() {
		return this.ledger.isNumbered();
	}

	/**
	 * Whether the peer can still be asked.
	 * @return false if it broke the protocol, or the socket is unusable
	 */
	public boolean isUsable() {
		return fault() == null && !this.channel.socket().isBroken();
	}

	/**
	 * How the peer broke the protocol.
	 * @return a sentence, or null if it did not
	 */
	public @Nullable String fault() {
		return this.ledger.fault();
	}

	/** The state of a requester's socket. */
	public enum State {

		/** The next message will answer the next request. */
		IN_STEP,

		/** Answers to earlier messages have not arrived yet. */
		OWING,

		/** The peer broke the protocol, and can no longer be trusted. */
		FAULTY,

		/** The peer has closed its end. */
		ENDED

	}

}
