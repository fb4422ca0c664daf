package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.RawMemory;
import dev.tinyipc.SharedMemory;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What core makes of memory and rings, and what it writes itself. */
@Timeout(value = 60, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CoreLaneTests {

	private final ExecutorService threads = Executors.newCachedThreadPool();

	private List<String> mappedBefore;

	@AfterEach
	void stopThreads() {
		this.threads.shutdownNow();
	}

	static Stream<Named<JsonNode>> memories() throws IOException {
		return vectors("memory");
	}

	static Stream<Named<JsonNode>> rings() throws IOException {
		return vectors("ring");
	}

	private static Stream<Named<JsonNode>> vectors(String kind) throws IOException {
		return LaneVectors.all(kind).map((vector) -> Named.of(vector.path("name").stringValue(), vector));
	}

	@BeforeEach
	void lookWhatOtherTestsHaveLeftMapped() throws IOException {
		this.mappedBefore = mapped();
	}

	@ParameterizedTest
	@MethodSource("memories")
	void memoryIsMappedOrRefused(JsonNode vector) throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		try (pair; RawMemory memory = LaneVectors.memory(vector)) {
			if (vector.has("invalid")) {
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> memory.accept(pair.child()));
				assertThat(pair.child().isClosed()).isFalse();
				assertNothingIsMapped();
				return;
			}
			memory.accept(pair.child());
			Future<?> answers = answer(pair.child());
			try (RawLane lane = new RawLane(pair.parent(), memory)) {
				new RawParent(lane).assertInStep();
			}
			answers.get();
			assertNothingIsMapped();
		}
	}

	private void assertNothingIsMapped() throws IOException {
		assertThat(mapped()).isEqualTo(this.mappedBefore);
	}

	private static List<String> mapped() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/self/maps"))) {
			return lines.filter((line) -> line.contains(RawMemory.NAME)).toList();
		}
	}

	@ParameterizedTest
	@MethodSource("rings")
	void ringIsReadOrItsLaneGivenUp(JsonNode vector) throws Exception {
		IpcSocketPair pair = IpcSocket.pair();
		RawMemory memory = RawLane.memory(vector.path("ring").intValue());
		memory.accept(pair.child());
		Future<?> answers = answer(pair.child());
		try (RawLane lane = new RawLane(pair.parent(), memory)) {
			boolean valid = LaneVectors.play(lane, vector);
			if (!valid && vector.path("then").stringValue().equals("closes")) {
				LaneVectors.assertClosed(lane, vector);
				assertThatExceptionOfType(ExecutionException.class).isThrownBy(answers::get)
					.withCauseInstanceOf(IpcException.class);
				return;
			}
			if (!valid) {
				new RawParent(lane).receive().assertError(null);
			}
			new RawParent(lane).assertInStep();
		}
		answers.get();
	}

	/** Answers requests for an echo, until the peer has closed or is broken. */
	private Future<?> answer(IpcSocket socket) throws IOException {
		socket.setReceiveTimeout(Child.PATIENCE);
		socket.setSendTimeout(Child.PATIENCE);
		return this.threads.submit(() -> {
			try (socket) {
				IpcChannel channel = IpcChannel.over(socket);
				while (answerOne(channel)) {
					// The next.
				}
			}
			return null;
		});
	}

	private static boolean answerOne(IpcChannel channel) throws IpcException {
		try (IpcMessage<JsonNode> request = channel.receive(JsonNode.class)) {
			if (request == null) {
				return false;
			}
			JsonNode payload = request.payload().path("payload");
			if (payload.isMissingNode()) {
				channel.sendError(new IllegalArgumentException("no echo"));
			}
			else {
				channel.send(payload);
			}
		}
		catch (JacksonException ex) {
			channel.sendError(ex);
		}
		return true;
	}

	@Test
	void memoryThatCoreMakesIsThatOfItsVector() throws Exception {
		JsonNode vector = LaneVectors.all("memory").findFirst().orElseThrow();
		assertThat(vector.path("meaning").path("rings").toString()).isEqualTo("[4096,4096]");
		try (IpcSocketPair pair = IpcSocket.pair();
				SharedMemory file = SharedMemory.create("lane");
				RawMemory expected = LaneVectors.memory(vector)) {
			RawMemory.create(pair.parent(), file, 4096);
			assertThat(RawMemory.seals(file)).isEqualTo(RawMemory.SEALS);
			assertThat(content(file)).isEqualTo(expected.bytes());
		}
	}

	@Test
	void frameThatCoreWritesIsThatOfTheDocument() throws Exception {
		byte[] expected = HexFormat.ofDelimiter(" ")
			.parseHex("00 00 00 00 00 00 00 00 04 00 00 00 00 00 00 00 63 61 62 63");
		try (IpcSocketPair pair = IpcSocket.pair(); SharedMemory file = SharedMemory.create("lane")) {
			RawMemory.create(pair.parent(), file, 4096);
			IpcChannel.over(pair.parent()).send("abc");
			ByteBuffer content = content(file);
			assertThat(content.getLong(256)).isEqualTo(expected.length);
			assertThat(content.slice(4096, expected.length)).isEqualTo(ByteBuffer.wrap(expected));
		}
	}

	private static ByteBuffer content(SharedMemory file) throws IOException {
		ByteBuffer content = ByteBuffer.allocate((int) file.size()).order(ByteOrder.nativeOrder());
		try (SeekableByteChannel channel = file.channel()) {
			while (content.hasRemaining()) {
				assertThat(channel.read(content)).isPositive();
			}
		}
		return content.rewind();
	}

}
