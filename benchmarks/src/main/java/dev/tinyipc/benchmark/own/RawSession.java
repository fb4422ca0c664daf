package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Arrays;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.benchmark.Contender;

/** Packets on one socket. */
final class RawSession implements Contender.Session {

	private static final int BATCH_SIZE = 64;

	private static final int FILLING = 7;

	private final RawContender.Peer peer;

	private final Turn turn;

	private RawSession(RawContender.Peer peer, Turn turn) {
		this.peer = peer;
		this.turn = turn;
	}

	static RawSession roundTrip(RawContender.Peer peer, int size) throws IOException {
		RawMessage message = new RawMessage(size);
		message.fill(FILLING);
		IpcSocket socket = peer.socket();
		message.send(socket);
		if (!message.receive(socket) || !message.isFilledWith(FILLING)) {
			throw new IOException("something else came back");
		}
		return new RawSession(peer, (duration) -> Contender.repeat(duration, () -> {
			message.send(socket);
			message.receive(socket);
		}));
	}

	static RawSession descriptor(RawContender.Peer peer, OwnedFd file) {
		RawMessage message = new RawMessage(64);
		IpcSocket socket = peer.socket();
		return new RawSession(peer, (duration) -> Contender.repeat(duration, () -> {
			socket.send(message.packet(), file);
			message.receive(socket);
		}));
	}

	static RawSession oneWay(RawContender.Peer peer, int size) {
		RawMessage message = new RawMessage(size);
		IpcSocket socket = peer.socket();
		return new RawSession(peer, oneWay(message, socket, 1, () -> message.send(socket)));
	}

	static RawSession oneWayInBatches(RawContender.Peer peer, int size) {
		RawMessage message = new RawMessage(size);
		ByteBuffer[] batch = new ByteBuffer[BATCH_SIZE];
		Arrays.setAll(batch, (index) -> ByteBuffer.allocateDirect(size));
		return new RawSession(peer, oneWay(message, peer.socket(), BATCH_SIZE, () -> {
			for (ByteBuffer each : batch) {
				each.clear();
			}
			peer.socket().sendBatch(batch);
		}));
	}

	/** Ends with a message that says that it is the last, and with the answer to that. */
	private static Turn oneWay(RawMessage last, IpcSocket socket, int atOnce, Contender.Operation operation) {
		RawMessage answer = new RawMessage(Long.BYTES);
		return (duration) -> {
			long start = System.nanoTime();
			long sent = 1 + atOnce * Contender.repeat(duration, operation).operations();
			last.setFirst(1);
			last.send(socket);
			last.setFirst(0);
			answer.receive(socket);
			if (answer.firstLong() != sent) {
				throw new IOException(answer.firstLong() + " messages came of " + sent);
			}
			return new Contender.Result(sent, System.nanoTime() - start);
		};
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		return this.turn.run(duration);
	}

	@Override
	public void close() throws Exception {
		this.peer.close();
	}

	/** What one turn does. */
	@FunctionalInterface
	private interface Turn {

		Contender.Result run(Duration duration) throws Exception;

	}

}
