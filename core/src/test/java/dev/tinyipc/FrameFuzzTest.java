package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import com.code_intelligence.jazzer.junit.FuzzTest;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Any sequence of packets, against a second reading of DESIGN 3: the same messages, the
 * same end, nothing left open and nothing allocated for what is too large.
 */
class FrameFuzzTest {

	private static final int MAX_BODY_SIZE = 600_000;

	private static final int MAX_PACKETS = 60;

	/** To reach the limit, and the ends of a {@code u64}. */
	private static final long[] SCALES = { 1, 16, 1L << 16, 1L << 48 };

	private record Sent(byte[] bytes, int descriptors) {

	}

	/** What should become of the packets: this many frames, then the end or an error. */
	private record Outcome(int frames, boolean ends) {

	}

	@FuzzTest
	void framesAreFoundOrRefused(byte[] input) throws IOException {
		int kept = LargeMemory.kept();
		try (OwnedFd device = OwnedFd.open(Path.of("/dev/null")); FuzzPeer peer = FuzzPeer.open()) {
			List<Sent> packets = send(new FuzzPeer.Script(input), peer, device.fd());
			peer.sender().close();
			assertThat(receive(peer.receiver())).isEqualTo(expected(packets));
		}
		assertThat(LargeMemory.kept()).isLessThanOrEqualTo(Math.max(kept, 1024 * 1024));
	}

	private static List<Sent> send(FuzzPeer.Script script, FuzzPeer peer, int device) {
		List<Sent> sent = new ArrayList<>();
		while (script.hasMore() && sent.size() < MAX_PACKETS) {
			int kind = script.next();
			byte[] packet = switch (kind & 3) {
				case 0 -> script.next(script.next());
				case 1 -> whole(script.next(script.next()));
				case 2 -> start(two(script) * SCALES[script.next() & 3], script.next(script.next()));
				default -> new byte[two(script)];
			};
			int[] descriptors = new int[(kind & 4) != 0 ? (kind >> 3) * (kind >> 3) / 4 : 0];
			Arrays.fill(descriptors, device);
			if (peer.send(packet, descriptors)) {
				sent.add(new Sent(packet, descriptors.length));
			}
		}
		return sent;
	}

	private static int two(FuzzPeer.Script script) {
		return script.next() << 8 | script.next();
	}

	private static byte[] whole(byte[] body) {
		return start(body.length, body);
	}

	private static byte[] start(long announced, byte[] body) {
		return ByteBuffer.allocate(Frame.HEADER_SIZE + body.length)
			.order(ByteOrder.nativeOrder())
			.putLong(announced)
			.put(body)
			.array();
	}

	private static Outcome receive(IpcSocket socket) throws IpcException {
		IpcChannel channel = IpcChannel.over(socket).withMaxMessageSize(MAX_BODY_SIZE);
		int frames = 0;
		while (true) {
			Class<?> type = (frames % 2 == 0) ? Object.class : byte[].class;
			try (IpcMessage<?> message = channel.receive(type)) {
				if (message == null) {
					return new Outcome(frames, true);
				}
				frames++;
			}
			catch (JacksonException ex) {
				frames++;
			}
			catch (IpcException ex) {
				assertUnusable(channel, ex);
				return new Outcome(frames, false);
			}
		}
	}

	private static void assertUnusable(IpcChannel channel, IpcException first) {
		try {
			channel.receive(Object.class);
		}
		catch (IpcException ex) {
			assertThat(ex).hasCause(first);
			return;
		}
		throw new AssertionError("Goes on after: " + first.getMessage());
	}

	private static Outcome expected(List<Sent> packets) {
		int frames = 0;
		long missing = 0;
		for (Sent packet : packets) {
			int length = packet.bytes().length;
			boolean looksLikeTheEnd = length == 0 && packet.descriptors() == 0;
			if (missing == 0 && looksLikeTheEnd) {
				return new Outcome(frames, true);
			}
			if (missing == 0) {
				if (length <= Frame.HEADER_SIZE) {
					return new Outcome(frames, false);
				}
				long announced = ByteBuffer.wrap(packet.bytes()).order(ByteOrder.nativeOrder()).getLong();
				missing = announced - (length - Frame.HEADER_SIZE);
				if (announced < 0 || announced > MAX_BODY_SIZE || missing < 0) {
					return new Outcome(frames, false);
				}
			}
			else if (looksLikeTheEnd || packet.descriptors() > 0 || length > missing) {
				return new Outcome(frames, false);
			}
			else {
				missing -= length;
			}
			frames += (missing == 0) ? 1 : 0;
		}
		return new Outcome(frames, missing == 0);
	}

}
