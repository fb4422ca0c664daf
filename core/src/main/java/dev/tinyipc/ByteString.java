package dev.tinyipc;

import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * A frame whose body is one CBOR byte string (RFC 8949, 3.1, major type 2), a byte array
 * in Java. It is copied part by part, while the peer sends or receives the next part, so
 * that only one part is in native memory; a mapper would copy it several times.
 */
final class ByteString implements Frame.Window {

	private static final int MAJOR_TYPE = 2 << 5;

	private static final int MAJOR_TYPE_MASK = 7 << 5;

	/** The bits for the length itself, or for how many bytes it follows in. */
	private static final int LENGTH_MASK = 31;

	private static final int LENGTH_IN_ONE = 24;

	private static final int LENGTH_IN_EIGHT = 27;

	private final FrameBuffer frame;

	private byte @Nullable [] content;

	/** What came before it. */
	private ByteBuffer envelope = ByteBuffer.allocate(0);

	/** Where the content begins in the frame. */
	private int start;

	private ByteString(FrameBuffer frame) {
		this.frame = frame;
	}

	/** To be sent, after the first bytes of the body, which are in the frame already. */
	static ByteString of(byte[] content, FrameBuffer frame, int prefixSize) {
		ByteString string = new ByteString(frame);
		string.content = content;
		int at = Frame.HEADER_SIZE + prefixSize;
		string.start = at + writeHead(frame.memory().bytes(), at, content.length);
		return string;
	}

	/** To be received. If it turns out to be something else, that is in the frame. */
	static ByteString expectedIn(FrameBuffer frame) {
		return new ByteString(frame);
	}

	private static int writeHead(ByteBuffer bytes, int at, int length) {
		int size = (length < LENGTH_IN_ONE) ? 0 : (length < 1 << 8) ? 1 : (length < 1 << 16) ? 2 : 4;
		int inFirst = (size == 0) ? length : LENGTH_IN_ONE + Integer.numberOfTrailingZeros(size);
		bytes.put(at, (byte) (MAJOR_TYPE | inFirst));
		for (int i = 1; i <= size; i++) {
			bytes.put(at + i, (byte) (length >> 8 * (size - i)));
		}
		return 1 + size;
	}

	/** The size of the body, in bytes. */
	long bodySize() {
		return this.start - Frame.HEADER_SIZE + (long) content().length;
	}

	/** What was received; null if it is not a byte string. */
	byte @Nullable [] content() {
		return this.content;
	}

	@Override
	public NativeBuffer memory() {
		return this.frame.memory();
	}

	@Override
	public int bring(int from, int size) {
		int place = (from == 0) ? this.start : 0;
		memory().bytes().put(place, this.content, from + place - this.start, size - place);
		return 0;
	}

	/** The envelope around what was received; empty if there is none. */
	ByteBuffer envelope() {
		return this.envelope;
	}

	@Override
	public void expect(int length, int there) {
		ByteBuffer bytes = memory().bytes();
		int at = Frame.HEADER_SIZE + Envelope.prefixSize(bytes.slice(Frame.HEADER_SIZE, there - Frame.HEADER_SIZE));
		if (at >= there) {
			this.frame.expect(length, there);
			return;
		}
		int first = bytes.get(at) & 0xff;
		int inFirst = first & LENGTH_MASK;
		int size = (inFirst < LENGTH_IN_ONE) ? 0 : 1 << (inFirst - LENGTH_IN_ONE);
		this.start = at + 1 + size;
		boolean isOne = (first & MAJOR_TYPE_MASK) == MAJOR_TYPE && inFirst <= LENGTH_IN_EIGHT && this.start <= there
				&& readLength(bytes, at, inFirst, size) == length - this.start;
		if (isOne) {
			this.envelope = ByteBuffer.allocate(at - Frame.HEADER_SIZE);
			bytes.get(Frame.HEADER_SIZE, this.envelope.array());
			this.content = new byte[length - this.start];
			bytes.get(this.start, this.content, 0, there - this.start);
		}
		else {
			this.frame.expect(length, there);
		}
	}

	private static long readLength(ByteBuffer bytes, int at, int inFirst, int size) {
		long length = (size == 0) ? inFirst : 0;
		for (int i = 1; i <= size; i++) {
			length = length << 8 | (bytes.get(at + i) & 0xff);
		}
		return length;
	}

	@Override
	public int placeOf(int from) {
		return (this.content != null) ? 0 : from;
	}

	@Override
	public void take(int from, int size) {
		if (this.content != null) {
			memory().bytes().get(0, this.content, from - this.start, size);
		}
	}

}
