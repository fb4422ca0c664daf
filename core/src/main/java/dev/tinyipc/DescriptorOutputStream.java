package dev.tinyipc;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;

/** See {@link OwnedFd#outputStream()}. */
final class DescriptorOutputStream extends OutputStream {

	private final DescriptorIo io;

	DescriptorOutputStream(DescriptorIo io) {
		this.io = io;
	}

	@Override
	public void write(int value) throws IOException {
		write(new byte[] { (byte) value });
	}

	@Override
	public void write(byte[] source, int offset, int length) throws IOException {
		this.io.write(ByteBuffer.wrap(source, offset, length));
	}

	@Override
	public void close() {
		this.io.close();
	}

}
