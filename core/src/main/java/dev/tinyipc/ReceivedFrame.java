package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.List;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.util.ByteBufferBackedInputStream;

/**
 * A frame that was received whole, and is not decoded yet. Closing it drops it, with its
 * descriptors, unless they were handed on with a message.
 *
 * @param <T> what the body is expected to be
 */
final class ReceivedFrame<T> implements Closeable {

	private static final int MAJOR_TYPE_TAG = 6;

	private final FrameBuffer buffer;

	private final FrameBuffer.Slot home;

	/** What was received piece by piece, as it was the byte string that was expected. */
	private final byte @Nullable [] byteString;

	private final Packet packet;

	private final Codec codec;

	private final ObjectReader reader;

	private boolean handedOn;

	private boolean closed;

	ReceivedFrame(FrameBuffer buffer, FrameBuffer.Slot home, byte @Nullable [] byteString, Packet packet, Codec codec,
			ObjectReader reader) {
		this.buffer = buffer;
		this.home = home;
		this.byteString = byteString;
		this.packet = packet;
		this.codec = codec;
		this.reader = reader;
	}

	/** The size on the wire, the header of 8 included, in bytes. */
	long size() {
		return Frame.HEADER_SIZE + (long) this.packet.length();
	}

	/** They stay this frame's. */
	List<OwnedFd> descriptors() {
		return this.packet.descriptors();
	}

	/**
	 * The body, in native memory, until this frame is closed.
	 * @return null for a byte string that was expected: of that there is only the content
	 */
	@Nullable ByteBuffer body() {
		return (this.byteString != null) ? null
				: this.buffer.memory().bytes().slice(Frame.HEADER_SIZE, this.packet.length());
	}

	/** Whether the body is an item with this tag, as the outermost one. */
	boolean hasTag(long tag) {
		ByteBuffer body = body();
		if (body == null || (body.get(0) & 0xff) >> 5 != MAJOR_TYPE_TAG) {
			return false;
		}
		int info = body.get(0) & 0x1f;
		int size = (info < 24) ? 0 : 1 << (info - 24);
		if (info > 27 || body.limit() <= size) {
			return false; // no head at all
		}
		long value = (size == 0) ? info : 0;
		for (int i = 1; i <= size; i++) {
			value = value << 8 | body.get(i) & 0xff;
		}
		return value == tag;
	}

	/**
	 * Decodes the body as what was expected.
	 * @return the message, which the descriptors belong to from now on
	 * @throws IpcException.Remote if it is an error item, on a channel that talks CBOR
	 * @throws tools.jackson.core.JacksonException if it cannot be read
	 */
	@SuppressWarnings("unchecked") // T is byte[] where a byte string was expected
	IpcMessage<T> decode() throws IpcException.Remote {
		return handOn((this.byteString != null) ? (T) this.byteString : read(this.reader));
	}

	/**
	 * Decodes the body as something else than was expected, as {@link #decode()} does.
	 * @param type no byte string
	 */
	<U> IpcMessage<U> decodeAs(Class<U> type) throws IpcException.Remote {
		return handOn(read(this.codec.reader(type)));
	}

	private <U> IpcMessage<U> handOn(U payload) {
		this.handedOn = true;
		return new IpcMessage<>(payload, this.packet);
	}

	private <U> U read(ObjectReader reader) throws IpcException.Remote {
		if (this.byteString != null) {
			throw new IllegalStateException("The body is the byte string that was expected");
		}
		// Not body(), which costs an object.
		ByteBuffer bytes = this.buffer.memory().bytes();
		bytes.limit(Frame.HEADER_SIZE + this.packet.length()).position(Frame.HEADER_SIZE);
		try {
			if (this.codec.isCbor() && ErrorItem.isOne(bytes)) {
				throw ErrorItem.read(bytes, size());
			}
			return reader.readValue(new ByteBufferBackedInputStream(bytes));
		}
		catch (ArithmeticException | IllegalArgumentException ex) {
			// Jackson lets some of what its number parsers throw through.
			throw DatabindException.from((JsonParser) null, "The body cannot be read: " + ex.getMessage(), ex);
		}
		finally {
			bytes.clear();
		}
	}

	@Override
	public void close() {
		if (!this.closed) {
			this.closed = true;
			this.home.giveBack(this.buffer);
			if (!this.handedOn) {
				this.packet.close();
			}
		}
	}

}
