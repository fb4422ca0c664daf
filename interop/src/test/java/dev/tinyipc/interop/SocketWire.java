package dev.tinyipc.interop;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Packet;

import static org.assertj.core.api.Assertions.assertThat;

/** Messages as packets of a socket. */
final class SocketWire implements Wire {

	private static final int LARGEST_PACKET = 512 * 1024;

	private final IpcSocket socket;

	private final ByteBuffer packet = ByteBuffer.allocateDirect(LARGEST_PACKET);

	SocketWire(IpcSocket socket) {
		this.socket = socket;
	}

	@Override
	public IpcSocket socket() {
		return this.socket;
	}

	@Override
	public void send(byte[] body, OwnedFd... descriptors) throws IOException {
		ByteBuffer frame = ByteBuffer.allocate(Long.BYTES + body.length).order(ByteOrder.nativeOrder());
		this.socket.send(frame.putLong(body.length).put(body).flip(), descriptors);
	}

	@Override
	public Body receive() throws IOException {
		int count = 0;
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		long length = -1;
		while (length < 0 || body.size() < length) {
			this.packet.clear();
			try (Packet received = this.socket.receive(this.packet)) {
				assertThat(received).as("a packet").isNotNull();
				count += received.descriptors().size();
				ByteBuffer bytes = this.packet.duplicate()
					.order(ByteOrder.nativeOrder())
					.position(0)
					.limit(received.length());
				if (length < 0) {
					length = bytes.getLong();
				}
				else {
					assertThat(received.descriptors()).isEqualTo(List.of());
				}
				byte[] part = new byte[bytes.remaining()];
				bytes.get(part);
				body.write(part);
			}
		}
		assertThat(body.size()).isEqualTo((int) length);
		return new Body(body.toByteArray(), count);
	}

	@Override
	public void close() {
		this.socket.close();
	}

}
