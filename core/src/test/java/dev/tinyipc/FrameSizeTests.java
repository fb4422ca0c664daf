package dev.tinyipc;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(120)
class FrameSizeTests {

	private static final int MEBIBYTE = 1024 * 1024;

	private static final int LARGEST = 64 * MEBIBYTE;

	static Stream<Arguments> sizesAndDescriptors() {
		// A packet is 212,960 bytes at most with the default buffer, a part 65,536.
		return IntStream
			.of(1, 2, 100, 65_520, 65_523, 65_528, 65_536, 212_946, 212_947, 212_948, 212_952, 212_960, 524_288,
					MEBIBYTE, LARGEST - 16)
			.boxed()
			.flatMap((size) -> Stream.of(0, 1, 64, 253).map((count) -> Arguments.of(size, count)));
	}

	@ParameterizedTest
	@MethodSource("sizesAndDescriptors")
	void everySizeArrivesWholeWithItsDescriptors(int size, int count) throws Exception {
		byte[] payload = Samples.random(size);
		OwnedFd[] descriptors = Samples.memoryFiles(count);
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Future<Long> sent = inBackground(() -> channel(pair.parent()).send(payload, descriptors));
			try (IpcMessage<byte[]> message = channel(pair.child()).receive(byte[].class)) {
				Samples.assertSame(message.payload(), payload);
				assertThat(message.descriptors()).hasSize(count);
				for (int i = 0; i < count; i++) {
					assertThat(Samples.content(message.descriptors().get(i))).isEqualTo("file " + i);
				}
				assertThat(sent.get(20, TimeUnit.SECONDS)).isEqualTo(message.size()).isGreaterThan(size + 8);
			}
			channel(pair.parent()).send("next");
			assertThat(channel(pair.child()).receive(String.class).payload()).isEqualTo("next");
		}
		finally {
			Samples.close(descriptors);
		}
	}

	/**
	 * The packet size follows the send buffer, which may be tiny or larger than the
	 * receiver's room.
	 */
	@ParameterizedTest
	@ValueSource(ints = { 1, 4096, 2 * MEBIBYTE })
	void everySendBufferCarriesEverySize(int sendBuffer) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().setSendBufferSize(sendBuffer);
			for (int size : new int[] { 1, 4_000, 8_000, 300_000, 524_270, 600_000, 3 * MEBIBYTE }) {
				Future<Long> sent = inBackground(() -> channel(pair.parent()).send(Samples.random(size)));
				Samples.assertSame(channel(pair.child()).receive(byte[].class).payload(), Samples.random(size));
				sent.get(20, TimeUnit.SECONDS);
			}
		}
	}

	@Test
	void threeSendersOfAMebibyteEachNeverInterleave() throws Exception {
		int each = 10;
		try (IpcSocketPair pair = IpcSocket.pair()) {
			List<Future<Long>> senders = new ArrayList<>();
			for (int i = 0; i < 3; i++) {
				byte[] payload = new byte[MEBIBYTE];
				Arrays.fill(payload, (byte) i);
				senders.add(inBackground(() -> sendRepeatedly(pair.parent(), payload, each)));
				senders.add(inBackground(() -> sendRepeatedly(pair.parent(), "small", each)));
			}
			int[] seen = new int[3];
			for (int i = 0; i < 6 * each; i++) {
				Object payload = channel(pair.child()).receive(Object.class).payload();
				if (payload instanceof byte[] bytes) {
					assertThat(bytes.length).isEqualTo(MEBIBYTE);
					byte[] expected = new byte[MEBIBYTE];
					Arrays.fill(expected, bytes[0]);
					Samples.assertSame(bytes, expected);
					seen[bytes[0]]++;
				}
				else {
					assertThat(payload).isEqualTo("small");
				}
			}
			assertThat(seen).containsOnly(each);
			for (Future<Long> sender : senders) {
				sender.get(20, TimeUnit.SECONDS);
			}
		}
	}

	@Test
	void severalReceiversTakeWholeMessages() throws Exception {
		int count = 30;
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Callable<Integer> receiver = () -> {
				int received = 0;
				IpcMessage<byte[]> message;
				while ((message = channel(pair.child()).receive(byte[].class)) != null) {
					Samples.assertSame(message.payload(), Samples.random(300_000));
					received++;
				}
				return received;
			};
			List<Future<Integer>> receivers = List.of(inBackground(receiver), inBackground(receiver),
					inBackground(receiver));
			sendRepeatedly(pair.parent(), Samples.random(300_000), count);
			pair.parent().close();
			int received = 0;
			for (Future<Integer> each : receivers) {
				received += each.get(20, TimeUnit.SECONDS);
			}
			assertThat(received).isEqualTo(count);
		}
	}

	private static IpcChannel channel(IpcSocket socket) {
		return IpcChannel.over(socket).withMaxMessageSize(LARGEST);
	}

	private static long sendRepeatedly(IpcSocket socket, Object payload, int times) throws IpcException {
		long sent = 0;
		for (int i = 0; i < times; i++) {
			sent += channel(socket).send(payload);
		}
		return sent;
	}

	static <T> Future<T> inBackground(Callable<T> action) {
		ExecutorService executor = Executors.newSingleThreadExecutor((task) -> {
			Thread thread = new Thread(task, "background");
			thread.setDaemon(true);
			return thread;
		});
		try {
			return executor.submit(action);
		}
		finally {
			executor.shutdown();
		}
	}

}
