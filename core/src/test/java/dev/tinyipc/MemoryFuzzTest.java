package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;

import com.code_intelligence.jazzer.junit.FuzzTest;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Any content of a ring, and any packets on the socket of its lane, against a second
 * reading of the wire format: the same messages, the same end, and nothing left open.
 */
class MemoryFuzzTest {

	private static final int RING = LaneMemory.MIN_RING_SIZE;

	private static final int START_SIZE = 16;

	private static final int MAX_STEPS = 60;

	/** What should become of it: this many frames, then the end or an error. */
	private record Outcome(int frames, boolean ends) {

	}

	@FuzzTest
	void messagesAreFoundOrTheLaneEnds(byte[] input) throws IOException {
		try (OwnedFd device = OwnedFd.open(Path.of("/dev/null"));
				SharedMemory file = SharedMemory.create("fuzz");
				FuzzPeer peer = FuzzPeer.open()) {
			peer.receiver().share(LaneMemory.create(file, RING));
			try (MemoryView memory = new MemoryView(file)) {
				Writer writer = new Writer(peer, memory.bytes(), device.fd());
				FuzzPeer.Script script = new FuzzPeer.Script(input);
				for (int i = 0; script.hasMore() && i < MAX_STEPS; i++) {
					writer.step(script);
				}
				peer.sender().close();
				Outcome outcome = receive(peer.receiver());
				if (!writer.wild) {
					assertThat(outcome).isEqualTo(writer.expected());
				}
			}
		}
	}

	private static Outcome receive(IpcSocket socket) throws IpcException {
		IpcChannel channel = IpcChannel.over(socket).withMaxMessageSize(600_000);
		int frames = 0;
		while (true) {
			Class<?> type = (frames % 2 == 0) ? Object.class : byte[].class;
			try (IpcMessage<?> message = channel.receive(type)) {
				if (message == null) {
					return new Outcome(frames, true);
				}
				frames++;
			}
			catch (JacksonException | IpcException.Remote ex) {
				frames++;
			}
			catch (IpcException ex) {
				assertThat(socket.isBroken()).as(ex.getMessage()).isTrue();
				return new Outcome(frames, false);
			}
		}
	}

	/** A peer that writes what the input says. */
	private static final class Writer {

		private final FuzzPeer peer;

		private final ByteBuffer memory;

		private final int device;

		private final ByteBuffer stream = ByteBuffer.allocate(RING).order(ByteOrder.nativeOrder());

		/** The number of descriptors of each packet that has some. */
		private final Deque<Integer> packets = new ArrayDeque<>();

		/** Whether it did what makes it unpredictable when its peer notices. */
		private boolean wild;

		Writer(FuzzPeer peer, ByteBuffer memory, int device) {
			this.peer = peer;
			this.memory = memory;
			this.device = device;
		}

		void step(FuzzPeer.Script script) {
			int kind = script.next();
			switch (kind & 7) {
				case 0, 1, 2 -> write(0, script.next(script.next()));
				case 3 -> write((kind >> 3) & 3, script.next(script.next()));
				case 4 -> append(script.next(script.next()));
				case 5 -> descriptors((kind >> 3) & 3);
				case 6 -> packet(script.next(script.next() & 3), (kind >> 3) & 3);
				default -> scribble(script.next() << 4, script.next() << (kind >> 3));
			}
		}

		private void write(int descriptors, byte[] body) {
			append(ByteBuffer.allocate(START_SIZE + body.length)
				.order(ByteOrder.nativeOrder())
				.putLong(descriptors)
				.putLong(body.length)
				.put(body)
				.array());
		}

		private void append(byte[] bytes) {
			if (bytes.length <= this.stream.remaining()) {
				this.memory.put(MemoryView.HEADER_SIZE + RING + this.stream.position(), bytes);
				this.stream.put(bytes);
				this.memory.putLong(MemoryView.TAIL_OF_OTHER, this.stream.position());
			}
		}

		private void descriptors(int count) {
			int[] numbers = new int[count];
			Arrays.fill(numbers, this.device);
			if (this.peer.send(new byte[] { DoorBell.DESCRIPTORS }, numbers)) {
				this.packets.add(count);
			}
		}

		private void packet(byte[] bytes, int count) {
			this.wild = true;
			int[] numbers = new int[count];
			Arrays.fill(numbers, this.device);
			this.peer.send(bytes, numbers);
		}

		private void scribble(int at, int value) {
			this.wild = true;
			this.memory.putLong(at, value);
		}

		Outcome expected() {
			this.stream.flip();
			int frames = 0;
			while (this.stream.remaining() >= START_SIZE) {
				long descriptors = this.stream.getLong();
				long length = this.stream.getLong();
				Integer there = (descriptors != 0) ? this.packets.poll() : null;
				if (length <= 0 || length > this.stream.remaining()
						|| (descriptors != 0 && (there == null || there != descriptors))) {
					return new Outcome(frames, false);
				}
				this.stream.position(this.stream.position() + (int) length);
				frames++;
			}
			return new Outcome(frames, !this.stream.hasRemaining());
		}

	}

}
