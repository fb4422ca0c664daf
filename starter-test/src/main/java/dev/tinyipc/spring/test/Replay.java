package dev.tinyipc.spring.test;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;

/** Answers requests as they were answered when they were recorded. */
final class Replay {

	private final Path file;

	private final Recorded recorded;

	private final Map<String, Deque<Recorded.Exchange>> exchanges = new HashMap<>();

	private Replay(Path file, Recorded recorded) {
		this.file = file;
		this.recorded = recorded;
		for (Recorded.Exchange exchange : recorded.exchanges()) {
			Message request = new Message(null, exchange.method(), Recorded.body(exchange.packets()));
			this.exchanges.computeIfAbsent(request.key(), (key) -> new ArrayDeque<>()).add(exchange);
		}
	}

	static Replay of(Path file) {
		return new Replay(file, Recorded.read(file));
	}

	/** Serves one instance, until its socket is closed. */
	void serve(IpcSocket socket) throws IpcException {
		if (!this.recorded.hello().isEmpty()) {
			RawFrame.of(Recorded.body(this.recorded.hello())).sendTo(socket);
		}
		serveLane(socket);
	}

	private void serveLane(IpcSocket socket) throws IpcException {
		ByteBuffer buffer = ByteBuffer.allocateDirect(RawFrame.MAX_PACKET_SIZE);
		RawFrame frame = RawFrame.receive(socket, buffer);
		while (frame != null) {
			try (RawFrame request = frame) {
				if (request.isLane()) {
					open(request.takeLane());
					RawFrame.ofNull().sendTo(socket);
				}
				else if (!Message.isRemark(request.body())) {
					answer(Message.read(request.body()), socket);
				}
			}
			frame = RawFrame.receive(socket, buffer);
		}
	}

	private void open(IpcSocket lane) {
		Thread thread = new Thread(() -> {
			try (lane) {
				serveLane(lane);
			}
			catch (IpcException ex) {
				// The application has closed the lane.
			}
		}, "tiny-ipc-test-replay");
		thread.setDaemon(true);
		thread.start();
	}

	private void answer(Message request, IpcSocket socket) throws IpcException {
		List<Recorded.Answer> answers = next(request);
		if (answers.isEmpty()) {
			RawFrame
				.of(request.with(Message.error("NotRecorded", "No request like this one is in " + this.file
						+ " (method '" + request.method() + "', payload of " + request.payload().length + " bytes)")))
				.sendTo(socket);
			return;
		}
		for (Recorded.Answer answer : answers) {
			OwnedFd[] files = new OwnedFd[answer.files().size()];
			for (int i = 0; i < files.length; i++) {
				files[i] = memory(HexFormat.of().parseHex(answer.files().get(i)));
			}
			try (RawFrame frame = RawFrame.of(request.with(Recorded.body(answer.packets())), files)) {
				frame.sendTo(socket);
			}
		}
	}

	private synchronized List<Recorded.Answer> next(Message request) {
		Deque<Recorded.Exchange> like = this.exchanges.get(request.key());
		if (like == null) {
			return List.of();
		}
		return ((like.size() > 1) ? like.removeFirst() : like.getFirst()).answers();
	}

	private static OwnedFd memory(byte[] content) throws IpcException {
		SharedMemory memory = SharedMemory.create("replayed");
		try (OutputStream target = memory.outputStream()) {
			target.write(content);
			memory.seal();
			return memory.descriptor();
		}
		catch (IOException ex) {
			memory.close();
			throw (ex instanceof IpcException failure) ? failure
					: new IpcException(String.valueOf(ex.getMessage()), ex);
		}
	}

}
