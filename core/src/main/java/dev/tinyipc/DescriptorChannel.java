package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ClosedChannelException;
import java.nio.channels.SeekableByteChannel;

/** See {@link OwnedFd#channel()}. */
final class DescriptorChannel implements SeekableByteChannel {

	private final DescriptorIo io;

	DescriptorChannel(DescriptorIo io) {
		this.io = io;
	}

	@Override
	public int read(ByteBuffer target) throws IOException {
		checkOpen();
		if (!target.hasRemaining()) {
			return 0;
		}
		int count = this.io.read(target);
		return (count == 0) ? -1 : count;
	}

	@Override
	public int write(ByteBuffer source) throws IOException {
		checkOpen();
		int count = source.remaining();
		this.io.write(source);
		return count;
	}

	@Override
	public long position() throws IOException {
		checkOpen();
		return this.io.position();
	}

	@Override
	public SeekableByteChannel position(long newPosition) throws IOException {
		checkOpen();
		checkNotNegative("Position", newPosition);
		this.io.position(newPosition);
		return this;
	}

	@Override
	public long size() throws IOException {
		checkOpen();
		return DescriptorIo.size(this.io.descriptor());
	}

	@Override
	public SeekableByteChannel truncate(long size) throws IOException {
		checkOpen();
		checkNotNegative("Size", size);
		if (size < size()) {
			DescriptorIo.truncate(this.io.descriptor(), size);
		}
		if (this.io.position() > size) {
			this.io.position(size);
		}
		return this;
	}

	@Override
	public boolean isOpen() {
		return this.io.isOpen();
	}

	@Override
	public void close() {
		this.io.close();
	}

	private void checkOpen() throws ClosedChannelException {
		if (!isOpen()) {
			throw new ClosedChannelException();
		}
	}

	private static void checkNotNegative(String what, long value) {
		if (value < 0) {
			throw new IllegalArgumentException(what + " must not be negative: " + value);
		}
	}

}
