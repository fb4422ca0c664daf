package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ObjectMapper;

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

	/** Fewer items than this are always accepted. */
	private static final int MIN_ITEMS = 100_000;

	private static final int BYTES_PER_ITEM = 16;

	private final IpcSocket socket;

	private final ChannelResources resources;

	private final Codec codec;

	private final int maxMessageSize;

	/** 0 if it depends on the maximum message size. */
	private final int maxItems;

	private IpcChannel(IpcSocket socket, ChannelResources resources, Codec codec, int maxMessageSize, int maxItems) {
		this.socket = socket;
		this.resources = resources;
		this.codec = codec;
		this.maxMessageSize = maxMessageSize;
		this.maxItems = maxItems;
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
		return new IpcChannel(socket, resources, resources.codec(mapper), DEFAULT_MAX_MESSAGE_SIZE, 0);
	}

	/**
	 * Changes the limit for messages in both directions.
	 * @param bytes the size of a body, at least 1; {@value #DEFAULT_MAX_MESSAGE_SIZE} by
	 * default
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withMaxMessageSize(int bytes) {
		return new IpcChannel(this.socket, this.resources, this.codec, checkMaxMessageSize(bytes), this.maxItems);
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
		return new IpcChannel(this.socket, this.resources, this.codec, this.maxMessageSize, count);
	}

	private int maxItems() {
		return (this.maxItems > 0) ? this.maxItems : Math.max(MIN_ITEMS, this.maxMessageSize / BYTES_PER_ITEM);
	}

	/**
	 * The limit for messages in both directions.
	 * @return the size of a body, in bytes
	 */
	public int maxMessageSize() {
		return this.maxMessageSize;
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
		return sendBy(null, OptionalLong.empty(), payload, descriptors);
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
		return sendBy(deadline, OptionalLong.empty(), payload, descriptors);
	}

	/** As {@link #send}, in an {@link Envelope} if there is a number to write on it. */
	long sendNumbered(OptionalLong id, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		return sendBy(null, id, payload, descriptors);
	}

	/** As {@link #sendNumbered}, until a deadline. */
	long sendNumbered(OptionalLong id, @Nullable Object payload, Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		return sendBy(deadline, id, payload, descriptors);
	}

	private long sendBy(@Nullable Deadline deadline, OptionalLong id, @Nullable Object payload, OwnedFd[] descriptors)
			throws IpcException {
		FrameBuffer frame = this.resources.outgoing().take();
		try {
			int prefix = writePrefix(frame, id);
			if (payload instanceof byte[] bytes && this.codec.isPlainByteString(byte[].class)) {
				ByteString string = ByteString.of(bytes, frame, prefix);
				return sendFrame(string, string.bodySize(), descriptors, deadline);
			}
			this.codec.mapper().writeValue(frame.begin(this.maxMessageSize, prefix), payload);
			if (frame.wantedBodySize() == prefix) {
				throw new IllegalArgumentException(
						"The mapper wrote nothing for " + payload + ": a message has at least one byte");
			}
			return sendFrame(frame, frame.wantedBodySize(), descriptors, deadline);
		}
		finally {
			this.resources.outgoing().giveBack(frame);
		}
	}

	private static int writePrefix(FrameBuffer frame, OptionalLong id) {
		if (id.isEmpty()) {
			return 0;
		}
		Envelope.writePrefix(frame.memory().bytes(), Frame.HEADER_SIZE, id.getAsLong());
		return Envelope.PREFIX_SIZE;
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
		return sendItem(id, (frame) -> ErrorItem.write(error, frame));
	}

	long sendHello(Hello hello) throws IpcException {
		return sendItem(OptionalLong.empty(), hello::write);
	}

	private long sendItem(OptionalLong id, Consumer<FrameBuffer> item) throws IpcException {
		checkSpeaksCbor();
		FrameBuffer frame = this.resources.outgoing().take();
		try {
			item.accept(frame.begin(this.maxMessageSize, writePrefix(frame, id)));
			return sendFrame(frame, frame.wantedBodySize(), SocketSender.NO_DESCRIPTORS, null);
		}
		finally {
			this.resources.outgoing().giveBack(frame);
		}
	}

	void checkSpeaksCbor() {
		if (!this.codec.isCbor()) {
			throw new IllegalStateException("An error item is CBOR, but this channel uses " + this.codec.format()
					+ ": send a message of your own that says what went wrong");
		}
	}

	private long sendFrame(Frame.Window frame, long bodySize, OwnedFd[] descriptors, @Nullable Deadline deadline)
			throws IpcException {
		if (bodySize > this.maxMessageSize) {
			throw new IpcException.MessageTooLarge("A message of " + bodySize + " bytes is over the limit of "
					+ this.maxMessageSize
					+ ": raise the maximum message size on both sides, or send a descriptor of the data instead");
		}
		Frame.send(this.socket.sender(), frame, (int) bodySize, descriptors, deadline);
		return Frame.HEADER_SIZE + bodySize;
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
	 * @throws IpcException.MessageTooLarge if a message over the limit is announced: the
	 * socket is unusable
	 * @throws IpcException.Timeout if no message arrived within the receive timeout
	 * @throws IpcException as {@link IpcSocket#receive(ByteBuffer)}, and if what arrived
	 * is not a message, or only part of one arrived within the receive timeout: the
	 * socket is then unusable
	 */
	public <T> @Nullable IpcMessage<T> receive(Class<T> type) throws IpcException {
		return receiveWanted(type, null, Filter.ALL);
	}

	/**
	 * Receives one message of a generic type, see {@link #receive(Class)}.
	 * @param type the type to read the body as, from the mapper's type factory
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException as {@link #receive(Class)}
	 */
	public <T> @Nullable IpcMessage<T> receive(JavaType type) throws IpcException {
		return receiveWanted(this.codec.readers(type), type.getRawClass(), null, Filter.ALL);
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
		return receiveWanted(type, deadline, Filter.ALL);
	}

	/**
	 * Receives the first message that is wanted, and drops those before it.
	 * @param deadline how long this may wait for its turn and for the whole message; null
	 * for the socket's timeout
	 */
	<T> @Nullable IpcMessage<T> receiveWanted(Class<T> type, @Nullable Deadline deadline, Filter filter)
			throws IpcException {
		return receiveWanted(this.codec.readers(type), type, deadline, filter);
	}

	private <T> @Nullable IpcMessage<T> receiveWanted(Codec.Readers readers, Class<?> type, @Nullable Deadline deadline,
			Filter filter) throws IpcException {
		while (true) {
			try (ReceivedFrame<T> frame = takeFrame(readers, type, true, deadline)) {
				if (frame == null || frame.isWantedBy(filter, maxItems())) {
					return (frame != null) ? frame.decode() : null;
				}
			}
		}
	}

	/**
	 * Drops the next message, if one is there, with its descriptors.
	 * @param deadline how long this may wait for the rest of a message that has begun
	 * @param filter sees the message first
	 */
	void drop(Deadline deadline, Filter filter) throws IpcException {
		try (ReceivedFrame<Object> frame = takeFrame(this.codec.readers(Object.class), Object.class, false, deadline)) {
			if (frame != null) {
				frame.isWantedBy(filter, maxItems());
			}
		}
	}

	/** Selects messages before they are decoded. */
	@FunctionalInterface
	interface Filter {

		/** Wants every message. */
		Filter ALL = (body) -> true;

		/**
		 * Decides about a message.
		 * @param body its body; what this leaves of it is decoded. Of an expected byte
		 * string it is only the envelope, if there is one
		 * @return false to drop the message
		 * @throws IpcException to drop it and stop receiving
		 */
		boolean wants(ByteBuffer body) throws IpcException;

	}

	private <T> @Nullable ReceivedFrame<T> takeFrame(Codec.Readers readers, Class<?> type, boolean waits,
			@Nullable Deadline deadline) throws IpcException {
		SocketReceiver receiver = this.socket.receiver();
		FrameBuffer.Slot home = this.resources.incoming();
		FrameBuffer buffer = home.take();
		ReceivedFrame<T> frame = null;
		try {
			ByteString string = this.codec.isPlainByteString(type) ? ByteString.expectedIn(buffer) : null;
			Frame.Window window = (string != null) ? string : buffer;
			Packet packet = waits ? Frame.receive(receiver, window, this.maxMessageSize, deadline)
					: Frame.tryReceive(receiver, window, this.maxMessageSize, deadline);
			if (packet != null) {
				frame = new ReceivedFrame<>(buffer, home, string, packet, this.codec, readers);
			}
			return frame;
		}
		finally {
			if (frame == null) {
				home.giveBack(buffer);
			}
		}
	}

}
