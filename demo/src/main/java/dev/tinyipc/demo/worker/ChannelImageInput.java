package dev.tinyipc.demo.worker;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

import javax.imageio.stream.ImageInputStreamImpl;

/**
 * Reads a picture directly from its file. The stream that ImageIO makes of an
 * {@code InputStream} keeps a copy of everything, to be able to seek.
 */
final class ChannelImageInput extends ImageInputStreamImpl {

	private final SeekableByteChannel channel;

	private final ByteBuffer buffer = ByteBuffer.allocate(32 * 1024).limit(0);

	ChannelImageInput(SeekableByteChannel channel) {
		this.channel = channel;
	}

	@Override
	public int read() throws IOException {
		if (!fill()) {
			return -1;
		}
		this.streamPos++;
		return Byte.toUnsignedInt(this.buffer.get());
	}

	@Override
	public int read(byte[] target, int offset, int length) throws IOException {
		if (length == 0) {
			return 0;
		}
		if (!fill()) {
			return -1;
		}
		int count = Math.min(length, this.buffer.remaining());
		this.buffer.get(target, offset, count);
		this.streamPos += count;
		return count;
	}

	private boolean fill() throws IOException {
		checkClosed();
		this.bitOffset = 0;
		if (this.buffer.hasRemaining()) {
			return true;
		}
		this.channel.position(this.streamPos);
		int count = this.channel.read(this.buffer.clear());
		this.buffer.flip();
		return count > 0;
	}

	@Override
	public void seek(long position) throws IOException {
		long inBuffer = this.buffer.position() + position - this.streamPos;
		super.seek(position);
		if (inBuffer >= 0 && inBuffer <= this.buffer.limit()) {
			this.buffer.position((int) inBuffer);
		}
		else {
			this.buffer.limit(0);
		}
	}

	@Override
	public long length() {
		try {
			return this.channel.size();
		}
		catch (IOException ex) {
			return -1;
		}
	}

}
