package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.RawMemory;
import dev.tinyipc.RawPackets;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** The vectors of the chapter "Memory lanes". */
final class LaneVectors {

	/** As in {@code fcntl(2)}. */
	private static final Map<String, Integer> SEALS = Map.of("seal", 1, "shrink", 2, "grow", 4, "write", 8);

	private LaneVectors() {
	}

	/** Those of a kind. */
	static Stream<JsonNode> all(String kind) throws IOException {
		assertThat(ByteOrder.nativeOrder()).as("the order in which rings are written")
			.isEqualTo(ByteOrder.LITTLE_ENDIAN);
		JsonNode vectors = JsonMapper.shared().readTree(Files.readString(Vectors.MANIFEST)).path("lanes");
		return vectors.valueStream().filter((vector) -> vector.path("kind").stringValue().equals(kind));
	}

	/** The memory of a vector. */
	static RawMemory memory(JsonNode vector) throws IOException {
		if (vector.has("ring")) {
			return RawLane.memory(vector.path("ring").intValue());
		}
		Map<Integer, byte[]> words = new TreeMap<>();
		vector.path("image")
			.properties()
			.forEach((word) -> words.put(Integer.valueOf(word.getKey()), hex(word.getValue())));
		int seals = vector.path("seals").valueStream().mapToInt((seal) -> SEALS.get(seal.stringValue())).sum();
		return new RawMemory(vector.path("size").longValue(), words, seals);
	}

	private static byte[] hex(JsonNode digits) {
		return HexFormat.of().parseHex(digits.stringValue());
	}

	private static long word(JsonNode digits) {
		return ByteBuffer.wrap(hex(digits)).order(ByteOrder.LITTLE_ENDIAN).getLong();
	}

	/**
	 * Offers each of them to a child as memory for a further lane, and compares what
	 * becomes of it.
	 * @return how many they were
	 */
	static int checkLanes(Language language) throws Exception {
		return check(language, LaneVectors::checkLane);
	}

	/**
	 * Offers each of them to a child as memory for its first socket, and compares what
	 * becomes of it.
	 * @return how many they were
	 */
	static int checkFirst(Language language) throws Exception {
		return check(language, LaneVectors::checkFirst);
	}

	private static int check(Language language, VectorRun.Check check) throws Exception {
		List<JsonNode> vectors = Stream.concat(all("memory"), all("ring")).toList();
		VectorRun.check(vectors, VectorRun.invited(language), check);
		return vectors.size();
	}

	/** Offers memory for the first socket, and returns whether there is none now. */
	private static boolean checkFirst(Child child, JsonNode vector) throws Exception {
		RawParent first = new RawParent(child.socket());
		// With what the language opens at the first use.
		first.assertInStep();
		List<String> before = child.openDescriptors();
		try (RawMemory memory = memory(vector)) {
			if (isRefused(vector)) {
				first.offer(memory.descriptor()).assertError(null);
				first.assertInStep();
				assertThat(child.maps(RawMemory.NAME)).as("it maps what it refused").isFalse();
				assertThat(child.openDescriptors()).isEqualTo(before);
				return true;
			}
			assertThat(first.offer(memory.descriptor()).what()).isEqualTo(RawAnswer.What.REPLY);
			RawLane lane = new RawLane(first.socket(), memory);
			if (serves(lane, vector)) {
				assertThat(child.openDescriptors()).isEqualTo(before);
				lane.socket().shutdownOutput();
				assertThat(child.exit().isSuccess()).isTrue();
			}
			else {
				ExitStatus exit = child.exit();
				assertThat(exit.signal().isEmpty() && !exit.isSuccess()).as(exit.toString()).isTrue();
			}
			return false;
		}
	}

	/** Offers a lane with memory, which does not concern the first socket. */
	private static boolean checkLane(Child child, JsonNode vector) throws Exception {
		RawParent first = new RawParent(child.socket());
		first.assertInStep();
		List<String> before = child.openDescriptors();
		IpcSocketPair pair = IpcSocket.pair();
		try (pair; RawMemory memory = memory(vector)) {
			RawAnswer answer = first.offer(pair.child().descriptor(), memory.descriptor());
			pair.child().close();
			if (isRefused(vector)) {
				answer.assertError(null);
				assertThat(pair.parent().receive(ByteBuffer.allocate(1))).as("a packet of a lane that was refused")
					.isNull();
			}
			else {
				assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.REPLY);
				serves(new RawLane(pair.parent(), memory), vector);
			}
		}
		first.assertInStep();
		Soon.await().untilAsserted(() -> assertNothingIsLeft(child, before));
		return true;
	}

	private static void assertNothingIsLeft(Child child, List<String> before) throws IOException {
		assertThat(child.openDescriptors()).isEqualTo(before);
		assertThat(child.maps(RawMemory.NAME)).as("it has the memory mapped").isFalse();
	}

	private static boolean isRefused(JsonNode vector) {
		return vector.path("kind").stringValue().equals("memory") && vector.has("invalid");
	}

	/** Sees what becomes of the lane, and returns whether it is open. */
	private static boolean serves(RawLane lane, JsonNode vector) throws IOException {
		boolean valid = play(lane, vector);
		if (!valid && vector.path("then").stringValue().equals("closes")) {
			assertClosed(lane, vector);
			return false;
		}
		if (!valid) {
			new RawParent(lane).receive().assertError(null);
		}
		new RawParent(lane).assertInStep();
		return true;
	}

	/** The peer closes, and has sent nothing, unless it did not know yet. */
	static void assertClosed(RawLane lane, JsonNode vector) throws IOException {
		long unread = lane.unreadAtEnd();
		if (vector.path("steps").valueStream().noneMatch((step) -> step.has("head"))) {
			assertThat(unread).as("bytes of a reply").isZero();
		}
	}

	/**
	 * Does what the opener of a lane does, and checks the replies that are due.
	 * @return whether the lane must serve on
	 */
	static boolean play(RawLane lane, JsonNode vector) throws IOException {
		boolean valid = !vector.has("invalid");
		try (OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
			for (JsonNode step : vector.path("steps")) {
				try {
					play(lane, step, file);
				}
				catch (IpcException ex) {
					// It may refuse a lane before it has seen everything.
					if (valid || ex instanceof IpcException.Timeout) {
						throw ex;
					}
				}
				if (step.has("meaning")) {
					RawAnswer answer = new RawParent(lane).receive();
					assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.REPLY);
					assertThat(Vectors.isMeant(step.path("meaning"), answer.value())).as(answer.toString()).isTrue();
				}
			}
		}
		if (vector.path("close").booleanValue(false)) {
			lane.socket().shutdownOutput();
		}
		return valid;
	}

	private static void play(RawLane lane, JsonNode step, OwnedFd file) throws IOException {
		for (int i = 0; i < step.path("packets").size(); i++) {
			OwnedFd[] descriptors = new OwnedFd[step.path("descriptors").path(i).intValue(0)];
			Arrays.fill(descriptors, file);
			RawPackets.send(lane.socket(), hex(step.path("packets").path(i)), descriptors);
		}
		if (step.has("head")) {
			lane.publishHead(word(step.path("head")));
		}
		for (JsonNode part : step.path("parts")) {
			lane.write(hex(part));
		}
		if (step.has("tail")) {
			lane.publishTail(word(step.path("tail")));
		}
	}

}
