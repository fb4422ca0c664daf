package dev.tinyipc;

import java.lang.reflect.Type;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.locks.ReentrantLock;

import org.jspecify.annotations.Nullable;

/**
 * The requesting end of a channel, which tracks the answers that its peer owes. A peer
 * answers each message once, in order, so a requester numbers the messages that it sends
 * and counts the answers. It drops an answer that nobody waits for, because the message
 * was sent one-way or the exchange was abandoned. A peer whose hello promised it repeats
 * the number in its answers; with any other, only the count helps.
 * <p>
 * Any thread may send at any time. Exchanges and receives must not overlap: threads that
 * share a requester take turns.
 */
public final class IpcRequester {

	/** How many answers to one-way messages are kept for {@link #receive}. */
	static final int MAX_KEPT_ANSWERS = 64;

	/** How many messages one look drops: a peer may stream without an end. */
	private static final int MAX_DROPPED = 1000;

	/** The rest of a message is on its way once its first packet has arrived. */
	private static final Duration REST_OF_A_MESSAGE = Duration.ofSeconds(1);

	private final IpcChannel channel;

	/** The peer's name in log and exception messages. */
	private final String peer;

	/** Whether the peer answers each message once. */
	private final boolean answers;

	private final ReentrantLock receiving = new ReentrantLock();

	private final Ledger ledger;

	private final RequestSender sender;

	private IpcRequester(IpcChannel channel, String peer, boolean answers, Ledger ledger) {
		this.channel = channel;
		this.peer = peer;
		this.answers = answers;
		this.ledger = ledger;
		this.sender = new RequestSender(channel, peer, ledger);
		channel.socket().descriptor().closeActions().put(ledger, (number) -> ledger.closeCalls());
	}

	/**
	 * Creates a requester for a peer that answers each message once.
	 * @param channel the channel to it, over which nobody else sends or receives
	 * @param peer its name in the log, such as {@code child process 'worker'}
	 * @return the requester
	 */
	public static IpcRequester over(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, true, new Ledger(peer));
	}

	/**
	 * Creates a requester for a peer that may send at any time. It can still be asked:
	 * its next message counts as the reply.
	 * @param channel the channel to it
	 * @param peer its name in the log
	 * @return the requester
	 */
	public static IpcRequester uncounted(IpcChannel channel, String peer) {
		return new IpcRequester(channel, peer, false, new Ledger(peer));
	}

	/** For a further socket to a peer of which it is known what it can do. */
	static IpcRequester greeted(IpcChannel channel, String peer, IpcHello hello) {
		return new IpcRequester(channel, peer, true, new Ledger(peer, hello));
	}

	/**
	 * The channel to the peer.
	 * @return the channel that this requester was created with
	 */
	public IpcChannel channel() {
		return this.channel;
	}

	/**
	 * What the peer has said that it can do.
	 * @return empty if it has not said hello, or not yet
	 */
	public Optional<IpcHello> hello() {
		return Optional.ofNullable(this.ledger.hello());
	}

	/**
	 * Has an action run once the hello has come, in the thread that happens to receive
	 * it.
	 * @param action must be short; set before anything is received
	 */
	public void whenGreeted(Runnable action) {
		this.ledger.whenGreeted(action);
	}

	/**
	 * Waits for the peer's hello, which it must send before anything else.
	 * @param deadline how long this may wait
	 * @return the hello
	 * @throws IpcException if it sent something else, or is gone, or the deadline passed
	 */
	public IpcHello awaitHello(Deadline deadline) throws IpcException {
		deadline.lock(this.receiving, this.peer);
		try {
			return this.ledger.awaitHello(this.channel, deadline);
		}
		finally {
			this.receiving.unlock();
		}
	}

	/**
	 * Takes the socket over which the peer makes calls of its own.
	 * @return the socket, to be served, for example by {@link IpcServer}, and closed;
	 * empty if none came with its hello, or it was taken already
	 */
	public Optional<IpcSocket> takeCallSocket() {
		return Optional.ofNullable(this.ledger.takeCalls());
	}

	/**
	 * Opens a lane: a further socket that the peer serves at the same time. Its hello
	 * must have said {@code lanes}. Must not be called during an exchange.
	 * @param deadline how long this may wait
	 * @return a requester for the lane, whose channel's socket the caller closes
	 * @throws IpcException.Remote if the peer does not serve another lane
	 * @throws IpcException as {@link #begin} and {@link Exchange#reply}
	 */
	public IpcRequester openLane(Deadline deadline) throws IpcException {
		IpcHello hello = this.ledger.hello();
		if (hello == null || hello.lanes() < 2) {
			throw new IpcException(this.peer + " has one lane only: it has not said hello with more \"lanes\"");
		}
		try (LaneRequest request = LaneRequest.forLane(this.channel)) {
			return greeted(request.agree(this, this.sender, deadline), this.peer, hello);
		}
	}

	/**
	 * Has messages go through memory that both ends share, instead of through the socket,
	 * and those of lanes that are opened over this one. The peer's hello must have said
	 * {@code memory}. Must not be called during an exchange.
	 * @param ringSize the room for messages that were not read yet, for each direction: a
	 * power of two from 4,096 bytes to 64 MiB; 262,144 are usual
	 * @param deadline how long this may wait; the socket is unusable after that
	 * @throws IpcException.Remote if the peer cannot; the socket is used as before
	 * @throws IpcException as {@link #begin} and {@link Exchange#reply}
	 */
	public void share(int ringSize, Deadline deadline) throws IpcException {
		IpcHello hello = this.ledger.hello();
		if (hello == null || !hello.memory()) {
			throw new IpcException(this.peer + " shares no memory: it has not said hello with \"memory\"");
		}
		try (LaneRequest request = LaneRequest.forMemory(this.channel, ringSize)) {
			request.agree(this, this.sender, deadline);
		}
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
				throw closed();
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
		return this.sender.send(null, payload, deadline, descriptors);
	}

	RequestSender sender() {
		return this.sender;
	}

	/** Returns whether the peer was told that nobody waits for its reply. */
	boolean cancel(Exchange exchange) {
		return isUsable() && this.sender.cancel(exchange);
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
		return receive((Type) type, deadline);
	}

	/**
	 * Receives the next message, of a generic type, see
	 * {@link #receive(Class, Deadline)}.
	 * @param type the type to read the message as, as in {@link IpcChannel#receive(Type)}
	 * @param deadline how long this may wait
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller
	 * @throws IpcException as {@link #receive(Class, Deadline)}
	 */
	public <T> IpcMessage<T> receive(Type type, Deadline deadline) throws IpcException {
		IpcMessage<T> message = receive(type, deadline, this.answers ? this.ledger::anyMessage : MessageFilter.ALL);
		if (message == null) {
			throw closed();
		}
		return message;
	}

	/** Returns null at the end of a streamed reply. */
	<T> @Nullable IpcMessage<T> receiveReply(Type type, Deadline deadline, Exchange exchange) throws IpcException {
		deadline.lock(this.receiving, this.peer);
		try {
			exchange.checkDue(); // another thread may have received its end
			IpcMessage<T> reply = this.channel.receiveReply(type, exchange.hasViews(), deadline,
					new ReplyFilter(exchange, this.answers ? this.ledger : null));
			if (reply == null && !exchange.isAnswered() && !exchange.hasElements()) {
				throw closed();
			}
			return reply;
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
			if (this.ledger.isUndisturbed(exchange.number()) && this.channel.socket().receiver().hasPeerLeftUnread()) {
				exchange.number(0);
			}
			throw ex;
		}
		finally {
			this.receiving.unlock();
		}
	}

	private <T> @Nullable IpcMessage<T> receive(Type type, Deadline deadline, MessageFilter filter)
			throws IpcException {
		deadline.lock(this.receiving, this.peer);
		try {
			return this.channel.receiveWanted(type, deadline, filter);
		}
		finally {
			this.receiving.unlock();
		}
	}

	private static IpcException.PeerClosed closed() {
		return new IpcException.PeerClosed("the peer closed its socket");
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
			for (int dropped = 0; fault() == null; dropped++) {
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
				if (dropped == MAX_DROPPED) {
					return State.OWING;
				}
				this.channel.drop(Deadline.in(REST_OF_A_MESSAGE), this.ledger::dropped);
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
		return this.ledger.hello() != null || hasAnswered();
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
