package dev.tinyipc;

import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * A frame whose body is one CBOR byte string (RFC 8949, 3.1, major type 2), a byte array
 * in Java. It is copied part by part, while the peer sends or receives the next part, so
 * that only one part is in native memory; a mapper would copy it several times.
 */
final class ByteString implements FrameWindow {

	private static final ByteBuffer NO_ENVELOPE = ByteBuffer.allocate(0);

	private final FrameBuffer frame;

	private byte @Nullable [] content;

	/** What came before it. */
	private ByteBuffer envelope = NO_ENVELOPE;

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
		string.start = at + CborHead.write(frame.memory().bytes(), at, CborHead.BYTES, content.length);
		return string;
	}

	/** To be received. If it turns out to be something else, that is in the frame. */
	static ByteString expectedIn(FrameBuffer frame) {
		return new ByteString(frame);
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
		int end = from + size;
		if (from >= this.start) {
			memory().bytes().put(0, this.content, from - this.start, size);
			return 0;
		}
		if (end > this.start) {
			memory().bytes().put(this.start, this.content, 0, end - this.start);
		}
		return from; // what precedes the content is in place
	}

	@Override
	public void writeTo(MemoryRing ring, int from, int size) {
		int head = Math.max(0, Math.min(this.start - from, size));
		if (head > 0) {
			ring.write(memory().bytes(), from, head);
		}
		if (head < size) {
			ring.write(content(), from + head - this.start, size - head);
		}
	}

	/** The envelope around what was received; empty if there is none. */
	ByteBuffer envelope() {
		return this.envelope;
	}

	@Override
	public void expect(int length, int there) {
		ByteBuffer bytes = memory().bytes();
		int at = Frame.HEADER_SIZE + prefixSize(bytes, there);
		if (at >= there) {
			this.frame.expect(length, there);
			return;
		}
		this.start = at + CborHead.size(bytes.get(at));
		boolean isOne = CborHead.type(bytes.get(at)) == CborHead.BYTES && CborHead.isAt(bytes, at, there)
				&& CborHead.argument(bytes, at) == length - this.start;
		if (isOne) {
			if (at > Frame.HEADER_SIZE) {
				this.envelope = ByteBuffer.allocate(at - Frame.HEADER_SIZE);
				bytes.get(Frame.HEADER_SIZE, this.envelope.array());
			}
			this.content = new byte[length - this.start];
			bytes.get(this.start, this.content, 0, there - this.start);
		}
		else {
			this.frame.expect(length, there);
		}
	}

	private static int prefixSize(ByteBuffer bytes, int there) {
		boolean bare = CborHead.type(bytes.get(Frame.HEADER_SIZE)) == CborHead.BYTES;
		return bare ? 0 : Prefix.size(bytes.slice(Frame.HEADER_SIZE, there - Frame.HEADER_SIZE));
	}

	@Override
	public int placeOf(int from) {
		return (this.content != null) ? 0 : from;
	}

	@Override
	public void readFrom(MemoryRing ring, int from, int size) {
		if (this.content != null) {
			ring.read(this.content, from - this.start, size);
		}
		else {
			FrameWindow.super.readFrom(ring, from, size);
		}
	}

	@Override
	public void take(int from, int size) {
		if (this.content != null) {
			memory().bytes().get(0, this.content, from - this.start, size);
		}
	}

}
