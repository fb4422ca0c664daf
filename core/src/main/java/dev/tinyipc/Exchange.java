package dev.tinyipc;

import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import dev.tinyipc.MessageFilter.Verdict;
import org.jspecify.annotations.Nullable;

/**
 * One request and its reply, begun by {@link IpcRequester#begin}. A reply always belongs
 * to its request: whatever goes wrong, one that arrives late or twice reaches nobody.
 *
 * <pre class="code">
 * Exchange exchange = requester.begin(Deadline.in(timeout)).method("scale");
 * exchange.request(new Request(256), picture);
 * try (IpcMessage&lt;Reply&gt; reply = exchange.reply(Reply.class)) {
 *     reply.file(0).inputStream()...
 * }
 * </pre>
 *
 * A reply that is streamed is received by {@link #next}, element by element. An exchange
 * is for one request, and for one thread at a time; any thread may {@link #cancel} it.
 */
public final class Exchange {

	/** Less is not worth the header that asks for it. */
	private static final int MIN_BATCH_SIZE = 256;

	private final IpcRequester requester;

	private final Deadline deadline;

	private @Nullable String method;

	private @Nullable Map<String, String> headers;

	private @Nullable Inspector inspector;

	/** Whether the request cannot do without its method and its headers. */
	private boolean needsEnvelope;

	/** The number of the request among all messages; 0 until it is sent. */
	private volatile long number;

	private boolean wantsStream;

	/** Elements that have come and were not asked for yet. */
	private @Nullable ReceivedElements elements;

	/** Null unless the reply may be streamed in blocks. */
	private @Nullable ElementReads reads;

	private boolean hasViews = true;

	private volatile boolean answered;

	Exchange(IpcRequester requester, Deadline deadline) {
		this.requester = requester;
		this.deadline = deadline;
	}

	/**
	 * Says what the peer is to do with the payload. It must have said hello, or still be
	 * going to, and know envelopes.
	 * @param name the method, as the peer calls it
	 * @return this exchange
	 */
	public Exchange method(String name) {
		this.method = Envelope.checkSize(name);
		this.needsEnvelope = true;
		return this;
	}

	/**
	 * Adds a header to the request, for a peer that knows envelopes.
	 * @param name its name
	 * @param value its value
	 * @return this exchange
	 */
	public Exchange header(String name, String value) {
		this.needsEnvelope = true;
		return put(name, value);
	}

	/**
	 * Adds a header that the request can do without, such as {@code traceparent}. It is
	 * left out if the peer is not known to understand envelopes, if the value has more
	 * than 1024 characters, or if there are 64 headers already. The trace headers of a
	 * request that the calling thread is serving are added anyway, unless there are
	 * others.
	 * @param name its name
	 * @param value its value
	 * @return this exchange
	 */
	public Exchange optionalHeader(String name, String value) {
		boolean fits = Math.max(name.length(), value.length()) <= Envelope.MAX_TEXT_LENGTH
				&& (this.headers == null || this.headers.size() < Envelope.MAX_HEADERS);
		return fits ? put(name, value) : this;
	}

	private Exchange put(String name, String value) {
		if (this.headers == null) {
			this.headers = new LinkedHashMap<>();
		}
		if (this.headers.size() >= Envelope.MAX_HEADERS) {
			throw new IllegalArgumentException(
					"A request has at most " + Envelope.MAX_HEADERS + " headers: send more in the payload");
		}
		this.headers.put(Envelope.checkSize(name), Envelope.checkSize(value));
		return this;
	}

	/**
	 * Has somebody look at the request before it is sent.
	 * @param inspector sees it once it is encoded
	 * @return this exchange
	 */
	public Exchange inspectedBy(Inspector inspector) {
		this.inspector = inspector;
		return this;
	}

	boolean isInspected() {
		return this.inspector != null;
	}

	void inspect(ByteBuffer payload, List<ByteBuffer> blocks, OwnedFd[] descriptors) throws IpcException {
		if (this.inspector != null) {
			this.inspector.inspect(this.method, payload, blocks, List.of(descriptors));
		}
	}

	/**
	 * Says that the reply will be streamed, so that a peer that can send several small
	 * elements in one message does so. They are still handed out one by one.
	 * @return this exchange
	 */
	public Exchange streamed() {
		this.wantsStream = true;
		return this;
	}

	/**
	 * Has all that comes in {@link SharedBlocks} copied. Otherwise a {@link ByteBuffer}
	 * in the reply is valid only until that is closed.
	 * @return this exchange
	 */
	public Exchange copied() {
		this.hasViews = false;
		return this;
	}

	boolean hasViews() {
		return this.hasViews;
	}

	/**
	 * Sends the request. Waits while the peer's queue is full.
	 * @param payload the value to send
	 * @param descriptors at most 253; the caller keeps them
	 * @return the size of the message on the wire, in bytes
	 * @throws tools.jackson.core.JacksonException if the value cannot be written; nothing
	 * was sent
	 * @throws IpcException as {@link IpcChannel#send}, and if there is a method or a
	 * header and the peer does not know envelopes; {@link #isRequestSent()} tells whether
	 * the peer may have received any of it
	 */
	public long request(@Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		if (this.number != 0) {
			throw new IllegalStateException("The request was already sent: begin another exchange");
		}
		if (this.needsEnvelope) {
			this.requester.sender().requireEnvelopes(this.requester, this.deadline);
		}
		Map<String, String> trace = ServedTrace.currentHeaders();
		if (!trace.isEmpty()) {
			trace.forEach((name, value) -> {
				if (this.headers == null || !this.headers.containsKey(name)) {
					optionalHeader(name, value);
				}
			});
		}
		return this.requester.sender().send(this, payload, this.deadline, descriptors);
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
	 * @throws IpcException as {@link IpcChannel#receive}, and if the peer streams its
	 * reply
	 */
	public <T> IpcMessage<T> reply(Class<T> type) throws IpcException {
		return reply((Type) type);
	}

	/**
	 * Waits for a reply of a generic type, see {@link #reply(Class)}.
	 * @param type the type to read the reply as, as in {@link IpcChannel#receive(Type)}
	 * @param <T> the type of the payload
	 * @return the reply, to be closed by the caller
	 * @throws IpcException as {@link #reply(Class)}
	 */
	public <T> IpcMessage<T> reply(Type type) throws IpcException {
		IpcMessage<T> reply = this.requester.receiveReply(type, this.deadline, this);
		if (reply == null) {
			throw new IllegalStateException("A reply ended as only a stream can");
		}
		return reply;
	}

	/**
	 * Waits for the next element of a streamed reply.
	 * @param type the type to read the element as, as in {@link IpcChannel#receive(Type)}
	 * @param deadline how long this may wait, independent of that of the exchange
	 * @param <T> the type of the element
	 * @return the element, to be closed by the caller; null at the end of the stream
	 * @throws tools.jackson.core.JacksonException if it cannot be read as the type; the
	 * stream goes on
	 * @throws IpcException.Remote if the stream has ended in an error
	 * @throws IpcException as {@link #reply(Class)}, and if the peer has not streamed its
	 * reply
	 */
	public <T> @Nullable IpcMessage<T> next(Type type, Deadline deadline) throws IpcException {
		this.wantsStream = true;
		IpcMessage<T> element = (this.elements == null) ? receiveElement(type, deadline) : null;
		ReceivedElements several = this.elements;
		if (several == null) {
			return element;
		}
		try {
			return several.next(type);
		}
		finally {
			if (several.isEmpty()) {
				this.elements = null;
			}
		}
	}

	private <T> @Nullable IpcMessage<T> receiveElement(Type type, Deadline deadline) throws IpcException {
		ElementReads reads = this.reads;
		if (reads == null) {
			return this.requester.receiveReply(type, deadline, this);
		}
		reads.tell(); // or the peer may wait for what it could not be told before
		try {
			return this.requester.receiveReply(type, deadline, this);
		}
		finally {
			reads.decoded();
		}
	}

	void checkDue() {
		if (this.number == 0 || isAnswered()) {
			throw new IllegalStateException(
					"No reply is due: " + ((this.number != 0) ? "it has come" : "send the request"));
		}
	}

	/**
	 * Tells the peer that nobody waits for the reply any more. It still ends the reply,
	 * which is dropped when the next exchange begins; the socket is in step then.
	 * @return whether it was told: its hello must have said that it understands this, a
	 * reply must be due, and nothing else may have been sent after the request
	 */
	public boolean cancel() {
		return this.number != 0 && !isAnswered() && this.requester.cancel(this);
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
	 * late that it was dropped. Of a streamed reply that is its end.
	 * @return whether the exchange is over
	 */
	public boolean isAnswered() {
		return this.answered || (this.number != 0 && this.requester.hasAnswered(this.number));
	}

	/**
	 * What precedes the payload of the request, in an envelope.
	 * @param blocksSize how many bytes of the reply may be in blocks
	 * @param unread the numbers of replies whose blocks are still being read; empty for
	 * none
	 */
	int writeEnvelope(ByteBuffer target, int at, int blocksSize, String unread) {
		long millis = this.deadline.remainingMillis(Envelope.NO_DEADLINE);
		Map<String, String> headers = this.headers;
		if (headers != null && millis != Envelope.NO_DEADLINE) {
			headers.remove(Envelope.DEADLINE); // ours counts
		}
		int batchSize = this.requester.channel().maxBatchSize();
		if (this.wantsStream && batchSize >= MIN_BATCH_SIZE) {
			headers = (headers != null) ? headers : new HashMap<>();
			headers.put(Envelope.ELEMENTS, String.valueOf(batchSize));
		}
		if (blocksSize > 0) {
			headers = (headers != null) ? headers : new HashMap<>();
			headers.put(Envelope.BLOCKS, String.valueOf(blocksSize));
			if (!unread.isEmpty()) {
				headers.put(Envelope.UNREAD, unread);
			}
			if (this.wantsStream) {
				this.reads = new ElementReads((count) -> this.requester.sender().tellRead(this, count));
			}
		}
		return Envelope.write(target, at, this.number, this.method, (headers != null) ? headers : Map.of(), millis);
	}

	/** Decides about an answer to this exchange. */
	Verdict accept(StreamItem item, boolean isError, boolean hasDescriptors) throws IpcException {
		this.answered = !item.hasElements();
		if (this.reads != null && item.hasElements()) {
			this.reads.came(hasDescriptors);
		}
		if (isError || (item == StreamItem.NONE) != this.wantsStream) {
			return switch (item) {
				case END -> Verdict.END;
				case ELEMENTS -> Verdict.GIVE;
				default -> Verdict.DELIVER;
			};
		}
		throw new IpcException(this.wantsStream ? "The peer answered with one value, and a stream was expected"
				: "The peer streams its reply, and one value was expected: ask for a stream");
	}

	/** Called when what has come of the reply may refer to blocks. */
	void refers(ReceivedBlocks.Message blocks) {
		blocks.belongsTo(this.number);
		if (this.reads != null) {
			this.reads.refers(blocks);
		}
	}

	void take(ReceivedElements elements) {
		this.elements = elements;
	}

	boolean hasElements() {
		return this.elements != null;
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

	/** Looks at a request before it is sent. */
	@FunctionalInterface
	public interface Inspector {

		/**
		 * Looks at a request. If this throws, the request is not sent.
		 * @param method what the peer is to do; null if the request does not say
		 * @param payload the payload as it will be sent, read-only, for this call only
		 * @param blocks the data that the payload refers to instead of having it, in that
		 * order, see {@link SharedBlocks}; read-only, for this call only
		 * @param descriptors those that will be sent with it; they stay the caller's
		 * @throws IpcException if the request must not be sent
		 */
		void inspect(@Nullable String method, ByteBuffer payload, List<ByteBuffer> blocks, List<OwnedFd> descriptors)
				throws IpcException;

	}

}
