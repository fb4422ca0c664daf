package dev.tinyipc;

import org.jspecify.annotations.Nullable;

/**
 * One request and its reply, begun by {@link IpcRequester#begin}. A reply always belongs
 * to its request: whatever goes wrong, one that arrives late or twice reaches nobody.
 *
 * <pre class="code">
 * Exchange exchange = requester.begin(Deadline.in(timeout));
 * exchange.request(new Request(256), picture);
 * try (IpcMessage&lt;Reply&gt; reply = exchange.reply(Reply.class)) {
 *     reply.file(0).inputStream()...
 * }
 * </pre>
 *
 * An exchange is for one thread at a time, and for one request.
 */
public final class Exchange {

	private final IpcRequester requester;

	private final Deadline deadline;

	/** The number of the request among all messages; 0 until it is sent. */
	private long number;

	private boolean answered;

	Exchange(IpcRequester requester, Deadline deadline) {
		this.requester = requester;
		this.deadline = deadline;
	}

	/**
	 * Sends the request. Waits while the peer's queue is full.
	 * @param payload the value to send
	 * @param descriptors at most 253; the caller keeps them
	 * @return the size of the message on the wire, in bytes
	 * @throws tools.jackson.core.JacksonException if the value cannot be written; nothing
	 * was sent
	 * @throws IpcException as {@link IpcChannel#send}; {@link #isRequestSent()} tells
	 * whether the peer may have received any of it
	 */
	public long request(@Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		if (this.number != 0) {
			throw new IllegalStateException("The request was already sent: begin another exchange");
		}
		return this.requester.send(this, payload, this.deadline, descriptors);
	}

	/**
	 * Waits for the reply.
	 * @param type the type to read the reply as
	 * @param <T> the type of the payload
	 * @return the reply, to be closed by the caller
	 * @throws tools.jackson.core.JacksonException if the reply cannot be read as the type
	 * @throws IpcException.Remote if the peer answered with an error item
	 * @throws IpcException.PeerClosed if the peer is gone
	 * @throws IpcException.Timeout if the deadline passed
	 * @throws IpcException as {@link IpcChannel#receive}
	 */
	public <T> IpcMessage<T> reply(Class<T> type) throws IpcException {
		if (this.number == 0 || this.answered) {
			throw new IllegalStateException(
					"No reply is due: " + (this.answered ? "it was received" : "send the request"));
		}
		return this.requester.receiveReply(type, this.deadline, this);
	}

	/**
	 * Whether the peer may have received the request.
	 * @return false if it can safely be sent to another peer: it was not sent, or the
	 * peer ended before it had read all of it
	 */
	public boolean isRequestSent() {
		return this.number != 0;
	}

	/**
	 * Whether a reply arrived, even if it was an error, could not be read, or came so
	 * late that it was dropped.
	 * @return whether the exchange is over
	 */
	public boolean isAnswered() {
		return this.answered || (this.number != 0 && this.requester.hasAnswered(this.number));
	}

	long number() {
		return this.number;
	}

	/** Called before the first byte is sent, and with 0 if none was. */
	void number(long number) {
		this.number = number;
	}

	void answered() {
		this.answered = true;
	}

}
