package dev.tinyipc.interop;

import java.io.Closeable;
import java.io.IOException;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;

/** How messages of one lane are sent and received. */
interface Wire extends Closeable {

	IpcSocket socket();

	void send(byte[] body, OwnedFd... descriptors) throws IOException;

	Body receive() throws IOException;

	@Override
	void close();

	/**
	 * What has come.
	 *
	 * @param bytes of the body
	 * @param descriptors how many came with it, which are closed
	 */
	record Body(byte[] bytes, int descriptors) {

	}

}
