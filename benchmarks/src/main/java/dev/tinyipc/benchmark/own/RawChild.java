package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.Packet;

/** {@code child.c} in Java: the child of {@code raw-java}, with the same arguments. */
public final class RawChild {

	private static final int BATCH_SIZE = 64;

	private final IpcSocket socket;

	private final int size;

	private final List<IpcSocket> sockets = new ArrayList<>();

	private RawChild(IpcSocket socket, int size) {
		this.socket = socket;
		this.size = size;
		this.sockets.add(socket);
	}

	/**
	 * Serves until the parent closes.
	 * @param arguments work, bytes, number of sockets
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		RawChild child = new RawChild(IpcSocket.inherited().orElseThrow(), Integer.parseInt(arguments[1]));
		child.receiveSockets(Integer.parseInt(arguments[2]));
		switch (arguments[0]) {
			case "descriptor" -> child.echoWithoutDescriptor();
			case "oneway" -> child.count();
			case "oneway-batch" -> child.countBatches();
			case "poller" -> child.echoAll();
			default -> child.echo();
		}
	}

	private void receiveSockets(int count) throws IOException {
		ByteBuffer note = ByteBuffer.allocateDirect(1);
		while (this.sockets.size() < count) {
			try (Packet packet = this.socket.receive(note.clear())) {
				this.sockets.add(IpcSocket.adopt(packet.descriptors().get(0).detach()));
			}
		}
	}

	private void echo() throws IOException {
		RawMessage message = new RawMessage(this.size);
		while (message.receive(this.socket)) {
			message.send(this.socket);
		}
	}

	private void echoWithoutDescriptor() throws IOException {
		RawMessage message = new RawMessage(this.size);
		while (true) {
			try (Packet packet = this.socket.receive(message.packet())) {
				if (packet == null) {
					return;
				}
			}
			message.send(this.socket);
		}
	}

	private void count() throws IOException {
		RawMessage message = new RawMessage(this.size);
		RawMessage answer = new RawMessage(Long.BYTES);
		long received = 0;
		while (message.receive(this.socket)) {
			received++;
			if (message.first() == 1) {
				answer.setFirstLong(received);
				answer.send(this.socket);
				received = 0;
			}
		}
	}

	private void countBatches() throws IOException {
		ByteBuffer[] room = new ByteBuffer[BATCH_SIZE];
		for (int i = 0; i < room.length; i++) {
			room[i] = ByteBuffer.allocateDirect(this.size);
		}
		RawMessage answer = new RawMessage(Long.BYTES);
		long[] received = { 0, 0 };
		while (this.socket.receiveBatch(room, (packet, index) -> {
			received[0]++;
			received[1] = room[index].get(0);
		})) {
			if (received[1] == 1) {
				answer.setFirstLong(received[0]);
				answer.send(this.socket);
				received[0] = 0;
			}
			for (ByteBuffer buffer : room) {
				buffer.clear();
			}
		}
	}

	private void echoAll() throws IOException {
		RawMessage message = new RawMessage(this.size);
		try (IpcPoller poller = IpcPoller.open()) {
			for (IpcSocket each : this.sockets) {
				poller.add(each, IpcPoller.Interest.READ);
			}
			while (true) {
				for (IpcPoller.Event event : poller.await(null)) {
					if (!message.receive(event.socket())) {
						return;
					}
					message.send(event.socket());
				}
			}
		}
	}

}
