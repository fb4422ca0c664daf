package dev.tinyipc;

import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Typed messages over a socket: a value and the descriptors that go with it, of any size
 * up to a limit. On the wire a message is its length ({@code u64}, native byte order) and
 * its body, by default one CBOR data item (RFC 8949).
 *
 * <pre class="code">
 * IpcChannel channel = IpcChannel.over(socket);
 * channel.send(new Request(256), picture);
 * try (IpcMessage&lt;Reply&gt; reply = channel.receive(Reply.class)) {
 *     reply.descriptors().get(0).inputStream()...
 * }
 * </pre>
 *
 * A channel may be used from any thread. Any number of them over one socket share its
 * buffers, which are freed when the socket is closed; a channel itself need not be
 * closed.
 */
public final class IpcChannel {

	/** The largest message that is accepted by default: 16 MiB. */
	public static final int DEFAULT_MAX_MESSAGE_SIZE = 16 * 1024 * 1024;

	private final IpcSocket socket;

	private final ChannelResources resources;

	private final Codec codec;

	private final ChannelLimits limits;

	private final Outbox outbox;

	private final Inbox inbox;

	private IpcChannel(IpcSocket socket, ChannelResources resources, Codec codec, ChannelLimits limits) {
		this.socket = socket;
		this.resources = resources;
		this.codec = codec;
		this.limits = limits;
		this.outbox = new Outbox(socket, resources, codec, limits.maxSentSize());
		this.inbox = new Inbox(socket, resources, codec, limits);
	}

	/**
	 * Creates a channel that uses CBOR.
	 * @param socket the caller still closes it
	 * @return the channel
	 */
	public static IpcChannel over(IpcSocket socket) {
		return over(socket, Codec.sharedMapper());
	}

	/**
	 * Creates a channel that uses the format of a mapper: JSON, Smile, CBOR with your
	 * modules.
	 * @param socket the caller still closes it
	 * @param mapper writes and reads the bodies
	 * @return the channel
	 * @throws IllegalArgumentException if default typing is active: the peer could choose
	 * which classes are instantiated
	 */
	public static IpcChannel over(IpcSocket socket, ObjectMapper mapper) {
		ChannelResources resources = ChannelResources.of(socket);
		return new IpcChannel(socket, resources, resources.codec(mapper),
				ChannelLimits.ofMessages(DEFAULT_MAX_MESSAGE_SIZE));
	}

	/**
	 * Creates a builder of a mapper for CBOR with Jackson's defaults. What it builds
	 * reads records faster than a plain {@link CBORMapper}, and otherwise does the same.
	 * @return the builder, for your modules
	 */
	public static CBORMapper.Builder mapperBuilder() {
		return CBORMapper.builder().addModule(new RecordModule());
	}

	/**
	 * Changes the limit for messages in both directions.
	 * @param bytes the size of a body, at least 1; {@value #DEFAULT_MAX_MESSAGE_SIZE} by
	 * default
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withMaxMessageSize(int bytes) {
		return with(this.limits.withMaxMessageSize(checkMaxMessageSize(bytes)));
	}

	/** As this one, to a peer that accepts less than it may send. */
	IpcChannel toPeerWithLimit(long bytes) {
		return with(this.limits.withMaxSentSize(bytes));
	}

	/** As this one, over another socket to the same peer. */
	IpcChannel onLane(IpcSocket lane) {
		ChannelResources ofLane = ChannelResources.of(lane);
		return new IpcChannel(lane, ofLane, ofLane.codec(this.codec.mapper()),
				this.limits.withMaxSentSize(maxMessageSize()));
	}

	/**
	 * Changes the limit for the data items of one received message: each number, text,
	 * key, array and so on is one. Small items need far more memory as objects than in
	 * the message.
	 * @param count at least 1; by default, one item for each 16 bytes of the maximum
	 * message size, but at least 100,000
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withMaxItems(int count) {
		if (count < 1) {
			throw new IllegalArgumentException("The maximum number of items is at least 1, not " + count);
		}
		return with(this.limits.withItems(count));
	}

	/**
	 * Has large byte arrays go through {@link SharedBlocks}, in both directions: those of
	 * requests if the peer's hello says that it accepts that, and those of replies. Such
	 * data does not count for the maximum message size.
	 * @param bytes how much of one message may be in blocks, and how much memory each
	 * direction keeps for that; 0 for none, the default
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withBlocks(int bytes) {
		return with(this.limits.withMaxBlocksSize(checkBlocksSize(bytes)));
	}

	private IpcChannel with(ChannelLimits limits) {
		return new IpcChannel(this.socket, this.resources, this.codec, limits);
	}

	/** How many bytes of a message may be in blocks. */
	int maxBlocksSize() {
		int size = this.limits.maxBlocksSize();
		return (size > 0 && this.codec.takesBlocks()) ? size : 0;
	}

	static int checkBlocksSize(int bytes) {
		if (bytes < 0) {
			throw new IllegalArgumentException("The maximum size of blocks is at least 0 bytes, not " + bytes);
		}
		return bytes;
	}

	/**
	 * The limit for messages in both directions.
	 * @return the size of a body, in bytes
	 */
	public int maxMessageSize() {
		return this.limits.maxMessageSize();
	}

	static int checkMaxMessageSize(int bytes) {
		if (bytes < 1 || bytes > Frame.MAX_BODY_SIZE) {
			throw new IllegalArgumentException(
					"The maximum message size is 1 to " + Frame.MAX_BODY_SIZE + " bytes, not " + bytes);
		}
		return bytes;
	}

	/**
	 * The socket of this channel.
	 * @return the socket that this channel was created with
	 */
	public IpcSocket socket() {
		return this.socket;
	}

	/** Sends what this library itself writes. */
	Outbox outbox() {
		return this.outbox;
	}

	/**
	 * Sends one message. Waits while the peer's queue is full.
	 * @param payload the value, which the mapper writes as the body; null is a value too
	 * @param descriptors at most 253. The caller keeps them in any case; the receiver
	 * gets its own
	 * @return the size of the message on the wire in bytes, including its header of 8
	 * @throws tools.jackson.core.JacksonException if the value cannot be written; nothing
	 * was sent
	 * @throws IllegalArgumentException if the mapper wrote nothing
	 * @throws IpcException.MessageTooLarge if the body is over the limit; nothing was
	 * sent
	 * @throws IpcException.PeerClosed if the other end is closed
	 * @throws IpcException.Timeout if the send timeout passed. If part of the message was
	 * sent by then, the socket is unusable
	 * @throws IpcException as {@link IpcSocket#send(ByteBuffer, OwnedFd...)}
	 */
	public long send(@Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		return this.outbox.send(null, Prefix.NONE, payload, null, BlockLending.NONE, descriptors);
	}

	/**
	 * Sends one message, as {@link #send(Object, OwnedFd...)} does.
	 * @param payload the value
	 * @param deadline how long this may wait for its turn and for room
	 * @param descriptors at most 253
	 * @return the size of the message on the wire, in bytes
	 * @throws IpcException.Interrupted if the thread was interrupted while it waited, and
	 * the deadline is interruptible. If part of the message was sent by then, the socket
	 * is unusable
	 * @throws IpcException as {@link #send(Object, OwnedFd...)}
	 */
	public long send(@Nullable Object payload, Deadline deadline, OwnedFd... descriptors) throws IpcException {
		return this.outbox.send(null, Prefix.NONE, payload, deadline, BlockLending.NONE, descriptors);
	}

	/** As the others, after what precedes the payload. */
	long send(Prefix prefix, @Nullable Object payload, @Nullable Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		return this.outbox.send(null, prefix, payload, deadline, BlockLending.NONE, descriptors);
	}

	/**
	 * As the others, a request.
	 * @param blocksSize how many bytes of it the peer accepts in blocks
	 */
	long sendRequest(Exchange exchange, Prefix prefix, @Nullable Object payload, Deadline deadline, long blocksSize,
			OwnedFd... descriptors) throws IpcException {
		return this.outbox.send(exchange.isInspected() ? exchange : null, prefix, payload, deadline,
				new BlockLending(Math.min(blocksSize, maxBlocksSize()), exchange.number()), descriptors);
	}

	/**
	 * As the others, a reply that has one value.
	 * @param request the number of its request
	 * @param blocksSize how many bytes of it the peer accepts in blocks
	 */
	long sendReply(OptionalLong request, @Nullable Object payload, int blocksSize, OwnedFd... descriptors)
			throws IpcException {
		return this.outbox.send(null, Prefix.of(request), payload, null,
				new BlockLending(Math.min(blocksSize, maxBlocksSize()), request.orElse(0)), descriptors);
	}

	/**
	 * Begins to lend the blocks of a streamed reply's elements.
	 * @param request its number
	 * @param blocksSize how many bytes of them the peer accepts in blocks
	 * @param lookForReads see {@link LentElements}
	 */
	LentElements lendElements(OptionalLong request, int blocksSize, BooleanSupplier lookForReads) {
		return new LentElements(this.resources.blocks(), Math.min(blocksSize, maxBlocksSize()), request.orElse(0),
				this.outbox.maxSize(), lookForReads);
	}

	/** What this end has put into blocks. */
	SharedBlocks blocks() {
		return this.resources.blocks();
	}

	/** What the peer has put into blocks. */
	ReceivedBlocks receivedBlocks() {
		return this.resources.receivedBlocks();
	}

	/**
	 * Answers a request that failed with an error item, which the peer's {@link #receive}
	 * throws as {@link IpcException.Remote} and never takes for a reply. It has the name
	 * of the exception's class and its message, each cut at
	 * {@value ErrorItem#MAX_TEXT_LENGTH} characters, but no stack trace.
	 * @param error what went wrong
	 * @return the size of the message on the wire in bytes, including its header of 8
	 * @throws IllegalStateException if this channel uses another format than CBOR, which
	 * has no error items
	 * @throws IpcException as {@link #send}
	 */
	public long sendError(Throwable error) throws IpcException {
		return sendError(OptionalLong.empty(), error);
	}

	/**
	 * As {@link #sendError}, in an {@link Envelope} if there is a number to write on it.
	 */
	long sendError(OptionalLong id, Throwable error) throws IpcException {
		checkSpeaksCbor();
		return this.outbox.sendItem(Prefix.of(id), (frame) -> ErrorItem.write(error, frame), null);
	}

	long sendHello(IpcHello hello, OwnedFd... calls) throws IpcException {
		checkSpeaksCbor();
		return this.outbox.sendItem(Prefix.NONE, hello::write, null, calls);
	}

	/**
	 * How large a message with several elements may be: it has no more items than bytes.
	 */
	int maxBatchSize() {
		return Math.min(ServedStream.USUAL_SIZE, Math.min(maxMessageSize(), this.inbox.maxItems()));
	}

	void checkSpeaksCbor() {
		if (!this.codec.isCbor()) {
			throw new IllegalStateException("An error item is CBOR, but this channel uses " + this.codec.format()
					+ ": send a message of your own that says what went wrong");
		}
	}

	/**
	 * Receives one message. Waits until one arrives.
	 * @param type the type to read the body as
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws tools.jackson.core.JacksonException if the body cannot be read as the type:
	 * the message is lost and its descriptors are closed; the next one is received as
	 * usual
	 * @throws IpcException.Remote if the peer sent an error item, on a channel that uses
	 * CBOR: its descriptors are closed; the next message is received as usual
	 * @throws IpcException.MessageTooLarge if a message over the limit arrives: it is
	 * lost with its descriptors, and the next one is received as usual. If it has 64
	 * times the limit or more, the socket is unusable
	 * @throws IpcException.Timeout if no message arrived within the receive timeout
	 * @throws IpcException as {@link IpcSocket#receive(ByteBuffer)}, and if what arrived
	 * is not a message, or only part of one arrived within the receive timeout: the
	 * socket is then unusable
	 */
	public <T> @Nullable IpcMessage<T> receive(Class<T> type) throws IpcException {
		return receiveWanted(type, null, MessageFilter.ALL);
	}

	/**
	 * Receives one message of a generic type, see {@link #receive(Class)}.
	 * @param type the type to read the body as: a generic type of Java, such as a field's
	 * or method's, or one of the mapper's type factory
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException as {@link #receive(Class)}
	 */
	public <T> @Nullable IpcMessage<T> receive(Type type) throws IpcException {
		return receiveWanted(type, null, MessageFilter.ALL);
	}

	/**
	 * Receives one message, as {@link #receive(Class)} does.
	 * @param type the type to read the body as
	 * @param deadline how long this may wait for its turn and for the whole message
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException.Interrupted if the thread was interrupted while it waited, and
	 * the deadline is interruptible. If part of a message had arrived by then, the socket
	 * is unusable
	 * @throws IpcException as {@link #receive(Class)}
	 */
	public <T> @Nullable IpcMessage<T> receive(Class<T> type, Deadline deadline) throws IpcException {
		return receiveWanted(type, deadline, MessageFilter.ALL);
	}

	/** Receives the first message that is wanted, and drops those before it. */
	<T> @Nullable IpcMessage<T> receiveWanted(Type type, @Nullable Deadline deadline, MessageFilter filter)
			throws IpcException {
		return receiveReply(type, false, deadline, filter);
	}

	/** The same: {@code hasViews} if it may share memory until it is closed. */
	<T> @Nullable IpcMessage<T> receiveReply(Type type, boolean hasViews, @Nullable Deadline deadline,
			MessageFilter filter) throws IpcException {
		return this.inbox.receive(this.codec.readers(type), this.codec.isPlainByteString(type), hasViews, deadline,
				filter);
	}

	/**
	 * Receives a request, of a type that the message itself decides. It may share memory
	 * with the peer until it is closed.
	 */
	<T> @Nullable IpcMessage<T> receiveRequest(Supplier<Type> type, boolean isBytes, @Nullable Deadline deadline,
			MessageFilter filter) throws IpcException {
		return this.inbox.receive(() -> this.codec.readers(type.get()),
				isBytes && this.codec.isPlainByteString(byte[].class), true, deadline, filter);
	}

	/** See {@link Inbox#drop}. */
	void drop(Deadline deadline, MessageFilter filter) throws IpcException {
		this.inbox.drop(deadline, filter);
	}

}
