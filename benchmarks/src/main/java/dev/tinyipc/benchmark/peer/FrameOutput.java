package dev.tinyipc.benchmark.peer;

import java.io.OutputStream;
import java.nio.ByteBuffer;

/** Encodes into a frame, whose buffer is reused and grows as needed. */
final class FrameOutput extends OutputStream {

	private ByteBuffer frame = Frames.allocate(8 * 1024);

	/** The frame of an encoded value, that is good until the next one is encoded. */
	ByteBuffer encode(Codec codec, Object value) {
		this.frame.clear().position(Frames.HEADER_SIZE);
		codec.writer().writeValue(this, value);
		this.frame.putLong(0, this.frame.position() - Frames.HEADER_SIZE);
		return this.frame.flip();
	}

	@Override
	public void write(int value) {
		reserve(1);
		this.frame.put((byte) value);
	}

	@Override
	public void write(byte[] bytes, int offset, int length) {
		reserve(length);
		this.frame.put(bytes, offset, length);
	}

	private void reserve(int length) {
		if (this.frame.remaining() < length) {
			int needed = this.frame.position() + length;
			this.frame = Frames.allocate(Math.max(needed, 2 * this.frame.capacity())).put(this.frame.flip());
		}
	}

}
