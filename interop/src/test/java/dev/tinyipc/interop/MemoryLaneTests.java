package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.RawMemory;
import dev.tinyipc.Sandbox;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Children in other languages whose messages go through memory. */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class MemoryLaneTests {

	private static final int SMALLEST = 4096;

	private static final int USUAL = 256 * 1024;

	private static final int ENDLESS = Integer.MAX_VALUE;

	@TempDir
	private Path folder;

	static Stream<Language> withMemory() {
		return Arrays.stream(Language.values()).filter(Language::memory);
	}

	static Stream<Language> withoutMemory() {
		return Arrays.stream(Language.values()).filter((language) -> language.converses() && !language.memory());
	}

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void vectorsMeanWhatTheManifestSays(Language language) throws Exception {
		language.require();
		System.out.println("interop " + language + " memory lanes ok, " + LaneVectors.check(language));
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void requestsAndRepliesOfAnySizeGoThroughTheMemory(Language language) throws Exception {
		Random random = new Random(11);
		for (int ring : new int[] { SMALLEST, USUAL }) {
			try (Child child = Child.invited(language); RawParent parent = sharing(child, ring)) {
				for (int size : new int[] { 0, 1, 100, ring - 1, ring, ring + 1, 3 * ring, 5_000_000 }) {
					byte[] payload = new byte[size];
					random.nextBytes(payload);
					RawAnswer reply = parent.exchange(7L, Map.of("do", "echo", "payload", payload));
					assertThat(reply.id()).isEqualTo(7);
					// AssertJ would print both.
					assertThat(Arrays.equals(reply.value().binaryValue(), payload)).as(size + " bytes").isTrue();
				}
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void messagesBeginAtEveryPlaceOfTheRing(Language language) throws Exception {
		try (Child child = Child.invited(language); RawParent parent = sharing(child, SMALLEST)) {
			// Ever longer ones, again and again.
			for (int i = 0; i < SMALLEST; i++) {
				String payload = "x".repeat(i % 57);
				RawAnswer reply = parent.exchange((long) i, Map.of("do", "echo", "payload", payload));
				assertThat(reply.value().stringValue()).isEqualTo(payload);
				assertThat(reply.id()).isEqualTo(i);
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void childThatStaysAwakeForAWhileFallsAsleepAndIsWoken(Language language) throws Exception {
		language.require();
		for (int spin : new int[] { 1, 20, 1_000 }) {
			Map<String, String> variables = Map.of("TINY_IPC_HELLO", "1", "TINY_IPC_SPIN_MICROS",
					Integer.toString(spin));
			try (Child child = new Child(language.command(), variables); RawParent parent = sharing(child, SMALLEST)) {
				for (int i = 0; i < 1_000; i++) {
					parent.assertInStep();
				}
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void streamThatIsLongerThanTheRingWaitsForItsReader(Language language) throws Exception {
		try (Child child = Child.invited(language); RawParent parent = sharing(child, SMALLEST)) {
			for (Long id : new Long[] { 7L, null }) {
				parent.request(id, Map.of("do", "stream", "count", 10_000));
				parent.assertElements(id, 10_000);
				assertThat(parent.receive().what()).isEqualTo(RawAnswer.What.END);
				parent.assertInStep();
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void descriptorsComeOverTheSocket(Language language) throws Exception {
		Path content = Files.write(this.folder.resolve("content"), new byte[77]);
		try (Child child = Child.invited(language);
				RawParent parent = sharing(child, SMALLEST);
				OwnedFd file = OwnedFd.open(content)) {
			parent.assertInStep();
			List<String> before = child.openDescriptors();
			OwnedFd[] several = new OwnedFd[5];
			Arrays.fill(several, file);
			for (int i = 0; i < 1_000; i++) {
				assertThat(parent.exchange(1L, Map.of("do", "length"), file).value().intValue()).isEqualTo(77);
				parent.exchange(2L, Map.of("do", "nothing known"), several).assertError(2L);
				RawAnswer reply = parent.exchange(3L, Map.of("do", "memory", "text", "abc"));
				assertThat(reply.descriptors()).isEqualTo(1);
			}
			parent.assertInStep();
			assertThat(child.openDescriptors()).isEqualTo(before);
		}
	}

	/** The parent could not empty the socket otherwise. */
	@ParameterizedTest
	@MethodSource("withMemory")
	void childWaitsIfTooManyOfItsMessagesWithDescriptorsWereNotRead(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawLane lane = RawParent.greeting(child).share(USUAL);
			try (RawParent parent = new RawParent(lane)) {
				for (int i = 0; i < 300; i++) {
					parent.request((long) i, Map.of("do", "memory", "text", "abc"));
				}
				assertThat(lane.unreadWithDescriptors(256)).isEqualTo(256);
				for (int i = 0; i < 300; i++) {
					RawAnswer reply = parent.receive();
					assertThat(reply.id()).isEqualTo(i);
					assertThat(reply.descriptors()).isEqualTo(1);
				}
				parent.assertInStep();
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void laneThatHasMemoryRefusesMore(Language language) throws Exception {
		try (Child child = Child.invited(language);
				RawParent parent = sharing(child, SMALLEST);
				RawMemory memory = RawLane.memory(SMALLEST)) {
			// It has closed the memory that it shares by now.
			parent.assertInStep();
			List<String> before = child.openDescriptors();
			parent.offer(memory.descriptor()).assertError(null);
			parent.assertInStep();
			assertThat(child.openDescriptors()).isEqualTo(before);
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void childEndsWithItsParentWhateverItDoes(Language language) throws Exception {
		try (Child idle = Child.invited(language)) {
			RawParent parent = sharing(idle, SMALLEST);
			parent.assertInStep();
			parent.close();
			assertThat(idle.exit().isSuccess()).isTrue();
		}
		try (Child busy = Child.invited(language)) {
			RawParent parent = sharing(busy, SMALLEST);
			parent.request(7L, Map.of("do", "stream", "count", ENDLESS));
			parent.assertElements(7L, 100);
			parent.close();
			assertThat(busy.exit().signal()).isEmpty();
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void requesterOfCoreAndItsChildShareMemory(Language language) throws Exception {
		byte[] large = new byte[3 * USUAL];
		new Random(12).nextBytes(large);
		Path content = Files.write(this.folder.resolve("content"), new byte[77]);
		try (Child child = Child.invited(language); OwnedFd file = OwnedFd.open(content)) {
			IpcRequester requester = IpcRequester.over(child.channel(), language.toString());
			requester.awaitHello(inTime());
			requester.share(USUAL, inTime());
			assertThat(child.socket().isShared()).isTrue();
			for (int i = 0; i < 1_000; i++) {
				assertThat(ask(requester, Map.of("do", "echo", "payload", i)).intValue()).isEqualTo(i);
			}
			assertThat(ask(requester, Map.of("do", "length"), file).intValue()).isEqualTo(77);
			JsonNode echoed = ask(requester, Map.of("do", "echo", "payload", large));
			assertThat(Arrays.equals(echoed.binaryValue(), large)).isTrue();
			assertThatExceptionOfType(IpcException.Remote.class)
				.isThrownBy(() -> ask(requester, Map.of("do", "fail", "message", "on purpose")));
			assertThat(ask(requester, Map.of("do", "echo", "payload", "next")).stringValue()).isEqualTo("next");
		}
	}

	private static JsonNode ask(IpcRequester requester, Object request, OwnedFd... descriptors) throws IOException {
		Exchange exchange = requester.begin(inTime());
		exchange.request(request, descriptors);
		try (IpcMessage<JsonNode> reply = exchange.reply(JsonNode.class)) {
			return reply.payload();
		}
	}

	private static Deadline inTime() {
		return Deadline.in(Child.PATIENCE);
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void childThatIsLockedDownSharesMemory(Language language) throws Exception {
		language.require();
		Map<String, String> variables = Map.of("TINY_IPC_HELLO", "1");
		try (Child child = new Child(language.command(), variables, Sandbox.of(Sandbox.Profile.LOCKED_DOWN));
				RawParent parent = sharing(child, SMALLEST)) {
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("withMemory")
	void memoryForALaneIsOfferedWithItsSocket(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent first = RawParent.greeting(child);
			IpcSocketPair pair = IpcSocket.pair();
			try (pair; RawMemory memory = RawLane.memory(SMALLEST)) {
				RawAnswer answer = first.offer(pair.child().descriptor(), memory.descriptor());
				pair.child().close();
				if (language.lanes() == 1) {
					answer.assertError(null);
				}
				else {
					assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.REPLY);
					new RawParent(new RawLane(pair.parent(), memory)).assertInStep();
				}
			}
			first.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("withoutMemory")
	void childThatSaysNoMemoryRefusesIt(Language language) throws Exception {
		try (Child child = Child.invited(language); RawMemory memory = RawLane.memory(SMALLEST)) {
			RawParent parent = RawParent.greeting(child);
			parent.offer(memory.descriptor()).assertError(null);
			parent.assertInStep();
		}
	}

	/** The parent of a child, whose messages go through memory. */
	private static RawParent sharing(Child child, int ringSize) throws IOException {
		return new RawParent(RawParent.greeting(child).share(ringSize));
	}

}
