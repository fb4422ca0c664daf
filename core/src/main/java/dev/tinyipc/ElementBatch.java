package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;

/**
 * Elements of a streamed reply that are sent together: as one message, and in one packet,
 * so that they are sent whole or not at all.
 */
final class ElementBatch {

	/** An array of so many elements as four bytes can count. */
	private static final byte ARRAY_HEAD = (byte) 0x9a;

	private static final int ARRAY_HEAD_SIZE = 1 + Integer.BYTES;

	private static final OwnedFd[] NO_DESCRIPTORS = {};

	private final Outbox outbox;

	private final FrameBuffer.Slot buffers;

	private final Prefix prefix;

	private final int maxSize;

	/** Null while there are no elements. */
	private @Nullable FrameBuffer frame;

	/** Writes into the frame; null before the first element, and after a failure. */
	private @Nullable JsonGenerator generator;

	/** Where in the frame the array begins. */
	private int start;

	private int count;

	/**
	 * Begins without elements.
	 * @param prefix what precedes the array
	 * @param maxSize the largest body, in bytes
	 */
	ElementBatch(Outbox outbox, FrameBuffer.Slot buffers, Prefix prefix, int maxSize) {
		this.outbox = outbox;
		this.buffers = buffers;
		this.prefix = prefix;
		this.maxSize = maxSize;
	}

	int maxSize() {
		return this.maxSize;
	}

	/**
	 * Adds an element.
	 * @return false if there is no room for it
	 * @throws tools.jackson.core.JacksonException if it cannot be written; the others
	 * stay as they are
	 */
	boolean add(@Nullable Object element) {
		FrameBuffer frame = open();
		long before = frame.wantedBodySize();
		boolean fits = false;
		try {
			encode(element, frame);
			if (frame.wantedBodySize() == before) {
				throw Outbox.wroteNothing(element);
			}
			fits = frame.wantedBodySize() <= this.maxSize;
		}
		finally {
			if (fits) {
				this.count++;
			}
			else {
				this.generator = null; // it may have written half an element
				frame.cut(before);
				closeIfEmpty();
			}
		}
		return fits;
	}

	private void encode(@Nullable Object element, FrameBuffer frame) {
		JsonGenerator generator = this.generator;
		if (generator == null) {
			generator = this.outbox.generator(frame);
			this.generator = generator;
		}
		this.outbox.encode(element, generator);
	}

	private FrameBuffer open() {
		FrameBuffer existing = this.frame;
		if (existing != null) {
			return existing;
		}
		FrameBuffer opened = this.buffers.take();
		int prefixSize = this.prefix.write(opened.memory().bytes(), Frame.HEADER_SIZE);
		this.start = Frame.HEADER_SIZE + prefixSize;
		this.frame = opened.begin(this.maxSize, prefixSize + ARRAY_HEAD_SIZE);
		return opened;
	}

	/**
	 * Sends the elements, if there are any. They stay if they cannot be sent.
	 * @param deadline null for the socket's timeout
	 */
	void send(@Nullable Deadline deadline) throws IpcException {
		FrameBuffer frame = this.frame;
		if (frame != null) {
			ByteBuffer bytes = frame.memory().bytes();
			boolean reversed = bytes.order() == ByteOrder.LITTLE_ENDIAN;
			bytes.put(this.start, ARRAY_HEAD)
				.putInt(this.start + 1, reversed ? Integer.reverseBytes(this.count) : this.count);
			this.outbox.sendFrame(frame, frame.wantedBodySize(), NO_DESCRIPTORS, deadline);
			clear();
		}
	}

	/** Drops the elements. */
	void clear() {
		this.count = 0;
		closeIfEmpty();
	}

	private void closeIfEmpty() {
		if (this.count == 0 && this.frame != null) {
			if (this.generator != null) {
				this.generator.close();
				this.generator = null;
			}
			this.buffers.giveBack(this.frame);
			this.frame = null;
		}
	}

}
