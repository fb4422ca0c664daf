package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.Objects;

/** See {@link OwnedFd#inputStream()}. */
final class DescriptorInputStream extends InputStream {

	private final DescriptorIo io;

	DescriptorInputStream(DescriptorIo io) {
		this.io = io;
	}

	OwnedFd descriptor() {
		return this.io.descriptor();
	}

	@Override
	public int read() throws IOException {
		byte[] one = new byte[1];
		return (read(one) < 0) ? -1 : Byte.toUnsignedInt(one[0]);
	}

	@Override
	public int read(byte[] target, int offset, int length) throws IOException {
		Objects.checkFromIndexSize(offset, length, target.length);
		if (length == 0) {
			return 0;
		}
		int count = this.io.read(ByteBuffer.wrap(target, offset, length));
		return (count == 0) ? -1 : count;
	}

	@Override
	public int available() throws IOException {
		return this.io.available();
	}

	@Override
	public void close() {
		this.io.close();
	}

}
