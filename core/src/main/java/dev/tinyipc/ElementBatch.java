package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Objects;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.dataformat.cbor.CBORGenerator;
import tools.jackson.dataformat.cbor.CBORWriteFeature;

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

	private final Prefix prefixOfOne;

	private final int maxSize;

	private final LentElements lent;

	/** Null while there are no elements. */
	private @Nullable FrameBuffer frame;

	/** Writes into the frame; null before the first element, and after a failure. */
	private @Nullable JsonGenerator generator;

	/** Takes what the generator puts into blocks; null if there may be none. */
	private SharedBlocks.@Nullable Filled filled;

	/** How many items the generator has written. */
	private int written;

	/** Where in the frame the array begins. */
	private int start;

	private int count;

	/** Whether an element is being written behind the others. */
	private boolean writing;

	/** Of a body with all elements that there was room for, in bytes. */
	private long size;

	/**
	 * Begins without elements.
	 * @param prefix what precedes the array
	 * @param prefixOfOne what precedes an element that is sent alone
	 * @param maxSize the largest body, in bytes
	 * @param lent the blocks of elements that are sent alone
	 */
	ElementBatch(Outbox outbox, FrameBuffer.Slot buffers, Prefix prefix, Prefix prefixOfOne, int maxSize,
			LentElements lent) {
		this.outbox = outbox;
		this.buffers = buffers;
		this.prefix = prefix;
		this.prefixOfOne = prefixOfOne;
		this.maxSize = maxSize;
		this.lent = lent;
	}

	int maxSize() {
		return this.maxSize;
	}

	boolean isEmpty() {
		return this.count == 0;
	}

	/**
	 * Adds an element, which is written once only: what it consists of may be there once
	 * only, such as an iterator.
	 * @return false if there is no room for it, or it has blocks: {@link #sendAll} must
	 * follow
	 * @throws tools.jackson.core.JacksonException if it cannot be written; the others
	 * stay as they are
	 */
	boolean add(@Nullable Object element) {
		FrameBuffer frame = open();
		boolean whole = false;
		this.writing = true;
		try {
			encode(element, frame);
			if (frame.wantedBodySize() == this.size) {
				throw Outbox.wroteNothing(element);
			}
			whole = true;
		}
		finally {
			this.writing = false;
			if (!whole) {
				dropGenerator(); // it may have written half an element
				dropLast(frame);
			}
		}
		if (frame.wantedBodySize() > this.maxSize || hasBlocks()) {
			return false;
		}
		this.size = frame.wantedBodySize();
		this.count++;
		return true;
	}

	private void encode(@Nullable Object element, FrameBuffer frame) {
		JsonGenerator generator = this.generator;
		if (generator == null) {
			generator = this.outbox.generator(frame);
			this.generator = generator;
			this.filled = this.outbox.fill(this.lent);
			this.written = 0;
		}
		this.outbox.encode(element,
				(this.filled != null) ? new BlockGenerator((CBORGenerator) generator, this.filled, 0) : generator);
		this.written++;
		generator.flush(); // a mapper may leave that to whoever closes it
		boolean inRoot = generator.streamWriteContext().inRoot();
		if (inRoot && generator.streamWriteContext().getEntryCount() > this.written) {
			throw new IllegalArgumentException(
					"The mapper wrote several items for " + element + ": a message has exactly one");
		}
		if (!inRoot || refersToEarlierItems(generator)) {
			generator.close(); // which closes the arrays and maps that a serializer has
								// left open
			this.generator = null;
		}
	}

	private boolean hasBlocks() {
		return this.filled != null && this.filled.count() > 0;
	}

	/** What follows gets another one. Blocks that were not sent can be used again. */
	private void dropGenerator() {
		this.generator = null;
		if (this.filled != null) {
			this.filled.close();
			this.filled = null;
		}
	}

	private static boolean refersToEarlierItems(JsonGenerator generator) {
		return generator instanceof CBORGenerator cbor && cbor.isEnabled(CBORWriteFeature.STRINGREF);
	}

	private void dropLast(FrameBuffer frame) {
		frame.cut(this.size);
		closeIfEmpty();
	}

	private FrameBuffer open() {
		FrameBuffer existing = this.frame;
		if (existing != null) {
			return existing;
		}
		FrameBuffer opened = this.buffers.take();
		int prefixSize = this.prefix.write(opened.memory().bytes(), Frame.HEADER_SIZE);
		this.start = Frame.HEADER_SIZE + prefixSize;
		this.size = prefixSize + ARRAY_HEAD_SIZE;
		// With room for one more element, whatever its size.
		int room = (int) Math.min((long) this.maxSize + this.outbox.maxSize(), Frame.MAX_BODY_SIZE);
		this.frame = opened.begin(room, prefixSize + ARRAY_HEAD_SIZE);
		return opened;
	}

	/**
	 * Sends the elements, if there are any. They stay if they cannot be sent. One that is
	 * just being written stays in any case.
	 * @param deadline null for the socket's timeout
	 */
	void send(@Nullable Deadline deadline) throws IpcException {
		FrameBuffer frame = this.frame;
		if (frame != null && this.count > 0) {
			send(frame, deadline);
			clear();
		}
	}

	private void send(FrameBuffer frame, @Nullable Deadline deadline) throws IpcException {
		ByteBuffer bytes = frame.memory().bytes();
		boolean reversed = bytes.order() == ByteOrder.LITTLE_ENDIAN;
		bytes.put(this.start, ARRAY_HEAD)
			.putInt(this.start + 1, reversed ? Integer.reverseBytes(this.count) : this.count);
		this.outbox.sendFrame(frame, this.size, NO_DESCRIPTORS, deadline);
		this.lent.sent();
	}

	/**
	 * Sends the elements, if there are any, and then the last one, alone. If that fails,
	 * the last one is dropped, and those that were not sent stay.
	 * @return the size of the last message on the wire, in bytes
	 */
	long sendAll() throws IpcException {
		FrameBuffer frame = Objects.requireNonNull(this.frame);
		try {
			if (this.count > 0) {
				send(frame, null);
				this.count = 0;
			}
			if (frame.isCut()) {
				this.outbox.checkSize(frame.wantedBodySize());
			}
			int prefixSize = this.prefixOfOne.write(frame.memory().bytes(), Frame.HEADER_SIZE);
			frame.move((int) this.size, prefixSize, this.outbox.maxSize());
			long sent = this.outbox.sendFrame(frame, frame.wantedBodySize(), this.filled, NO_DESCRIPTORS, null);
			this.lent.sent();
			return sent;
		}
		finally {
			dropGenerator();
			dropLast(frame);
		}
	}

	/** Drops the elements. */
	void clear() {
		this.count = 0;
		closeIfEmpty();
	}

	private void closeIfEmpty() {
		if (this.count == 0 && this.frame != null && !this.writing) {
			if (this.generator != null) {
				this.generator.close();
				dropGenerator();
			}
			this.frame.giveBack();
			this.frame = null;
		}
	}

}
