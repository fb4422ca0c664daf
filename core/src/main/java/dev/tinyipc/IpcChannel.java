package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.util.ByteBufferBackedInputStream;

/**
 * Whole typed messages over a socket: a value and the descriptors that go with it, of any
 * size up to a limit. On the wire a message is its length ({@code u64}, native byte
 * order) and its body, by default one CBOR data item (RFC 8949).
 *
 * <pre class="code">
 * IpcChannel channel = IpcChannel.over(socket);
 * channel.send(new Request(256), picture);
 * try (IpcMessage&lt;Reply&gt; reply = channel.receive(Reply.class)) {
 *     reply.descriptors().get(0).inputStream()...
 * }
 * </pre>
 *
 * A channel holds nothing of its own, and may be used from any thread. It need not be
 * closed: whoever owns the socket closes that.
 */
public final class IpcChannel {

	/** The largest message that is accepted unless said otherwise: 16 MiB. */
	public static final int DEFAULT_MAX_MESSAGE_SIZE = 16 * 1024 * 1024;

	/** Fewer items than this need no limit. */
	private static final int MIN_ITEMS = 100_000;

	private static final int BYTES_PER_ITEM = 16;

	private final IpcSocket socket;

	private final Codec codec;

	private final int maxMessageSize;

	/** 0 if it goes by the size. */
	private final int maxItems;

	private IpcChannel(IpcSocket socket, Codec codec, int maxMessageSize, int maxItems) {
		this.socket = socket;
		this.codec = codec;
		this.maxMessageSize = maxMessageSize;
		this.maxItems = maxItems;
	}

	/**
	 * Talks CBOR.
	 * @param socket stays the caller's to close
	 * @return the channel
	 */
	public static IpcChannel over(IpcSocket socket) {
		return over(socket, Codec.sharedMapper());
	}

	/**
	 * Talks whatever format the mapper is for: JSON, Smile, CBOR with modules of yours.
	 * @param socket stays the caller's to close
	 * @param mapper writes and reads the bodies
	 * @return the channel
	 * @throws IllegalArgumentException if default typing is active: the peer could choose
	 * classes of this process's to be made
	 */
	public static IpcChannel over(IpcSocket socket, ObjectMapper mapper) {
		return new IpcChannel(socket, socket.codec(mapper), DEFAULT_MAX_MESSAGE_SIZE, 0);
	}

	/**
	 * Changes the limit for messages, in both directions.
	 * @param bytes the size of a body, at least 1; {@value #DEFAULT_MAX_MESSAGE_SIZE}
	 * unless set
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withMaxMessageSize(int bytes) {
		return new IpcChannel(this.socket, this.codec, checkMaxMessageSize(bytes), this.maxItems);
	}

	/**
	 * Changes the limit for the data items of one received message: each number, text,
	 * key, array and so on is one. Small items take far more memory when they are read
	 * than in the message.
	 * @param count at least 1; unless set, one item for each 16 bytes of the maximum
	 * message size, and 100 000 at least
	 * @return a channel over the same socket with that limit
	 */
	public IpcChannel withMaxItems(int count) {
		if (count < 1) {
			throw new IllegalArgumentException("The maximum number of items is at least 1, not " + count);
		}
		return new IpcChannel(this.socket, this.codec, this.maxMessageSize, count);
	}

	private int maxItems() {
		return (this.maxItems > 0) ? this.maxItems : Math.max(MIN_ITEMS, this.maxMessageSize / BYTES_PER_ITEM);
	}

	static int checkMaxMessageSize(int bytes) {
		if (bytes < 1 || bytes > Frame.MAX_BODY_SIZE) {
			throw new IllegalArgumentException(
					"The maximum message size is 1 to " + Frame.MAX_BODY_SIZE + " bytes, not " + bytes);
		}
		return bytes;
	}

	/**
	 * The socket below.
	 * @return the socket that this channel was made over
	 */
	public IpcSocket socket() {
		return this.socket;
	}

	/**
	 * Sends one message, and waits while the peer's queue is full.
	 * @param payload the value, which the mapper turns into the body; null is a value too
	 * @param descriptors at most 253. They stay the caller's, whatever happens; the
	 * receiver gets its own
	 * @return the size of the message on the wire, its header of 8 included, in bytes
	 * @throws tools.jackson.core.JacksonException if the value cannot be written; nothing
	 * was sent
	 * @throws IllegalArgumentException if the mapper wrote nothing
	 * @throws IpcException.MessageTooLarge if the body is over the limit; nothing was
	 * sent
	 * @throws IpcException.PeerClosed if the other end is closed
	 * @throws IpcException.Timeout if the send time-out passed. If a part was sent by
	 * then, the socket is of no use any more
	 * @throws IpcException as {@link IpcSocket#send(ByteBuffer, OwnedFd...)}
	 */
	public long send(@Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		return sendNumbered(OptionalLong.empty(), payload, descriptors);
	}

	/** As the public form, in an {@link Envelope} if there is a number to write on it. */
	long sendNumbered(OptionalLong id, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		FrameBuffer frame = this.socket.outgoing().take();
		try {
			int prefix = writePrefix(frame, id);
			if (payload instanceof byte[] bytes && this.codec.isPlainByteString(byte[].class)) {
				ByteString string = ByteString.of(bytes, frame, prefix);
				return send(string, string.bodySize(), descriptors);
			}
			this.codec.mapper().writeValue(frame.begin(this.maxMessageSize, prefix), payload);
			if (frame.wantedBodySize() == prefix) {
				throw new IllegalArgumentException(
						"The mapper wrote nothing for " + payload + ": a message has at least one byte");
			}
			return send(frame, frame.wantedBodySize(), descriptors);
		}
		finally {
			this.socket.outgoing().giveBack(frame);
		}
	}

	/**
	 * Answers a request that could not be done: with an error item, which the peer's
	 * {@link #receive} throws as {@link IpcException.Remote}, and which never passes for
	 * a reply. What is sent is the name of the exception's class and its message, of
	 * which the first {@value ErrorItem#MAX_TEXT_LENGTH} characters, and nothing of its
	 * stack trace.
	 * @param error what went wrong
	 * @return the size of the message on the wire, its header of 8 included, in bytes
	 * @throws IllegalStateException if this channel talks something else than CBOR, where
	 * there is no such thing
	 * @throws IpcException as {@link #send}
	 */
	public long sendError(Throwable error) throws IpcException {
		return sendError(OptionalLong.empty(), error);
	}

	/** As the public form, in an {@link Envelope} if there is a number to write on it. */
	long sendError(OptionalLong id, Throwable error) throws IpcException {
		return sendItem(id, (frame) -> ErrorItem.write(error, frame));
	}

	long sendHello(Hello hello) throws IpcException {
		return sendItem(OptionalLong.empty(), hello::write);
	}

	private long sendItem(OptionalLong id, Consumer<FrameBuffer> item) throws IpcException {
		checkSpeaksCbor();
		FrameBuffer frame = this.socket.outgoing().take();
		try {
			item.accept(frame.begin(this.maxMessageSize, writePrefix(frame, id)));
			return send(frame, frame.wantedBodySize());
		}
		finally {
			this.socket.outgoing().giveBack(frame);
		}
	}

	private static int writePrefix(FrameBuffer frame, OptionalLong id) {
		if (id.isEmpty()) {
			return 0;
		}
		Envelope.writePrefix(frame.memory().bytes(), Frame.HEADER_SIZE, id.getAsLong());
		return Envelope.PREFIX_SIZE;
	}

	void checkSpeaksCbor() {
		if (!this.codec.isCbor()) {
			throw new IllegalStateException("An error item is CBOR, and this channel talks " + this.codec.format()
					+ ": send a message of the application's own that says what went wrong");
		}
	}

	private long send(Frame.Window frame, long bodySize, OwnedFd... descriptors) throws IpcException {
		if (bodySize > this.maxMessageSize) {
			throw new IpcException.MessageTooLarge("A message of " + bodySize + " bytes is over the limit of "
					+ this.maxMessageSize
					+ ": raise the maximum message size on both sides, or send a descriptor of the data instead");
		}
		Frame.send(this.socket.sender(), frame, (int) bodySize, descriptors);
		return Frame.HEADER_SIZE + bodySize;
	}

	/**
	 * Receives one message, and waits for it.
	 * @param type what the body is read as
	 * @param <T> the type of the payload
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws tools.jackson.core.JacksonException if the body cannot be read as the type:
	 * the message is lost and its descriptors are closed, the next one is received as
	 * usual
	 * @throws IpcException.Remote if the peer sent an error item, on a channel that talks
	 * CBOR: its descriptors are closed, the next message is received as usual
	 * @throws IpcException.MessageTooLarge if a message over the limit is announced: the
	 * socket is of no use any more
	 * @throws IpcException.Timeout if the receive time-out passed. If a part of a message
	 * had come by then, the socket is of no use any more
	 * @throws IpcException as {@link IpcSocket#receive(ByteBuffer)}, and if what comes is
	 * no message, after which the socket is of no use any more
	 */
	public <T> @Nullable IpcMessage<T> receive(Class<T> type) throws IpcException {
		return receive(this.codec.reader(type), this.codec.isPlainByteString(type), null);
	}

	/**
	 * As the public form, and opens the envelope that may be around the payload, or
	 * around an error item.
	 * @param listener is told the number before the payload is decoded
	 */
	<T> @Nullable IpcMessage<T> receive(Class<T> type, Envelope.Listener listener) throws IpcException {
		return receive(this.codec.reader(type), this.codec.isPlainByteString(type), listener);
	}

	/**
	 * Receives one message of a generic type, see {@link #receive(Class)}.
	 * @param type what the body is read as, made by the mapper's type factory
	 * @param <T> the same type
	 * @return the message, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException as {@link #receive(Class)}
	 */
	public <T> @Nullable IpcMessage<T> receive(JavaType type) throws IpcException {
		return receive(this.codec.reader(type), this.codec.isPlainByteString(type.getRawClass()), null);
	}

	@SuppressWarnings("unchecked") // T is byte[] where a byte string is expected
	private <T> @Nullable IpcMessage<T> receive(ObjectReader reader, boolean isByteString,
			Envelope.@Nullable Listener listener) throws IpcException {
		FrameBuffer frame = this.socket.incoming().take();
		try {
			ByteString string = isByteString ? ByteString.expectedIn(frame) : null;
			Packet packet = Frame.receive(this.socket.receiver(), (string != null) ? string : frame,
					this.maxMessageSize);
			if (packet == null) {
				return null;
			}
			boolean decoded = false;
			try {
				Object content = (string != null) ? string.content() : null;
				T payload = (content != null) ? (T) content : decode(frame, packet.length(), reader, listener);
				if (content != null && listener != null) {
					listener.opening(OptionalLong.empty());
				}
				decoded = true;
				return new IpcMessage<>(payload, packet);
			}
			finally {
				if (!decoded) {
					packet.close();
				}
			}
		}
		finally {
			this.socket.incoming().giveBack(frame);
		}
	}

	private <T> T decode(FrameBuffer frame, int length, ObjectReader reader, Envelope.@Nullable Listener listener)
			throws IpcException {
		ByteBuffer body = frame.memory().bytes();
		body.limit(Frame.HEADER_SIZE + length).position(Frame.HEADER_SIZE);
		try {
			this.codec.check(body, maxItems());
			if (listener != null) {
				Envelope.open(body, listener);
			}
			if (this.codec.isCbor() && ErrorItem.isOne(body)) {
				throw ErrorItem.read(body, Frame.HEADER_SIZE + (long) length);
			}
			return reader.readValue(new ByteBufferBackedInputStream(body));
		}
		catch (ArithmeticException | IllegalArgumentException ex) {
			// Jackson lets some of what its number parsers throw through.
			throw DatabindException.from((JsonParser) null, "The body cannot be read: " + ex.getMessage(), ex);
		}
		finally {
			body.clear();
		}
	}

}
