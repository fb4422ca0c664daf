package dev.tinyipc.interop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/** Children in other languages that receive also while they answer. */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class CancelAndLaneTests {

	private static final int ENDLESS = Integer.MAX_VALUE;

	static Stream<Language> cancelling() {
		return Arrays.stream(Language.values()).filter(Language::cancels).filter(OverMemory::includes);
	}

	static Stream<Language> withLanes() {
		return Arrays.stream(Language.values()).filter((language) -> language.lanes() > 1).filter(OverMemory::includes);
	}

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@MethodSource("cancelling")
	void cancelledStreamEndsAndTheSocketIsInStep(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			for (Long id : new Long[] { 7L, null }) {
				parent.request(id, Map.of("do", "stream", "count", ENDLESS));
				parent.assertElements(id, 10);
				parent.cancel();
				parent.afterTheElements().assertCancelled(id);
				parent.assertInStep();
			}
		}
	}

	@ParameterizedTest
	@MethodSource("cancelling")
	void cancelEndsARequestThatWaits(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			for (Long id : new Long[] { 7L, null }) {
				parent.request(id, Map.of("do", "meet", "count", 2));
				parent.cancel();
				parent.receive().assertCancelled(id);
				parent.assertInStep();
			}
		}
	}

	@ParameterizedTest
	@MethodSource("cancelling")
	void cancelIsIgnoredIfNoReplyIsDue(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			parent.cancel();
			parent.assertInStep();
			parent.exchange(1L, Map.of("do", "stream", "count", 0));
			parent.cancel();
			parent.cancel();
			// The next request is not what was cancelled.
			parent.request(2L, Map.of("do", "stream", "count", 100));
			parent.assertElements(2L, 100);
			assertThat(parent.receive().what()).isEqualTo(RawAnswer.What.END);
			parent.assertInStep();
		}
	}

	@ParameterizedTest
	@MethodSource("cancelling")
	void childEndsWithItsParentAlsoWhileItWorks(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent parent = RawParent.greeting(child);
			parent.request(7L, Map.of("do", "meet", "count", 2));
			child.socket().close();
			if (language.finishesWhatItWorksOn()) {
				child.terminate();
			}
			assertThat(child.exit().signal()).isEmpty();
		}
	}

	@ParameterizedTest
	@MethodSource("withLanes")
	void lanesServeOneRequestEachAtATime(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			List<RawParent> lanes = openAll(RawParent.greeting(child), language);
			for (int round = 0; round < 3; round++) {
				// None of them is answered before all of them are being served.
				for (RawParent lane : lanes) {
					lane.request(1L + round, Map.of("do", "meet", "count", lanes.size()));
				}
				for (RawParent lane : lanes) {
					RawAnswer reply = lane.receive();
					assertThat(reply.what()).isEqualTo(RawAnswer.What.REPLY);
					assertThat(reply.id()).isEqualTo(1 + round);
				}
			}
			lanes.subList(1, lanes.size()).forEach(RawParent::close);
		}
	}

	@ParameterizedTest
	@MethodSource("withLanes")
	void cancelConcernsItsOwnLaneOnly(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent first = RawParent.greeting(child);
			try (RawParent second = first.lane(); RawParent third = first.lane()) {
				second.request(7L, Map.of("do", "meet", "count", 2));
				third.request(7L, Map.of("do", "stream", "count", ENDLESS));
				third.assertElements(7L, 10);
				third.cancel();
				third.afterTheElements().assertCancelled(7L);
				third.assertInStep();
				first.request(8L, Map.of("do", "meet", "count", 2));
				assertThat(second.receive().what()).isEqualTo(RawAnswer.What.REPLY);
				assertThat(first.receive().what()).isEqualTo(RawAnswer.What.REPLY);
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withLanes")
	void laneBeyondWhatTheHelloSaysIsRefusedAndClosed(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent first = RawParent.greeting(child);
			List<RawParent> lanes = openAll(first, language);
			List<String> before = child.openSockets();
			assertThat(first.tryLane()).isNull();
			assertThat(lanes.get(1).tryLane()).isNull();
			for (RawParent lane : lanes) {
				lane.assertInStep();
			}
			Awaitility.await().until(() -> child.openSockets().equals(before));
			lanes.subList(1, lanes.size()).forEach(RawParent::close);
		}
	}

	@ParameterizedTest
	@MethodSource("withLanes")
	void closedLaneCostsNothingButTheExchangeOnIt(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent first = RawParent.greeting(child);
			// With what the language opens at the first use.
			first.exchange(1L, Map.of("do", "meet", "count", 1));
			List<String> before = child.openSockets();
			List<RawParent> lanes = openAll(first, language);
			lanes.get(1).request(7L, Map.of("do", "stream", "count", ENDLESS));
			lanes.get(2).request(7L, Map.of("do", "meet", "count", 4));
			lanes.get(3).send(new byte[] { (byte) 0xf6 }); // no lane without a socket
			lanes.get(3).receive().assertError(null);
			lanes.subList(1, lanes.size()).forEach(RawParent::close);
			Awaitility.await().until(() -> child.openSockets().equals(before));
			first.assertInStep();
			// All of them can be opened again, and the request that was lost is not
			// counted.
			lanes = openAll(first, language);
			lanes.get(1).request(8L, Map.of("do", "meet", "count", 3));
			lanes.get(2).request(8L, Map.of("do", "meet", "count", 3));
			lanes.get(3).request(8L, Map.of("do", "meet", "count", 3));
			for (RawParent lane : lanes.subList(1, lanes.size())) {
				assertThat(lane.receive().what()).isEqualTo(RawAnswer.What.REPLY);
				lane.close();
			}
		}
	}

	@ParameterizedTest
	@MethodSource("withLanes")
	void childEndsWithItsFirstSocketWhateverLanesAreOpen(Language language) throws Exception {
		try (Child child = Child.invited(language)) {
			RawParent first = RawParent.greeting(child);
			try (RawParent lane = first.lane(); RawParent busy = first.lane()) {
				busy.request(7L, Map.of("do", "meet", "count", 2));
				lane.assertInStep();
				child.socket().close();
				assertThat(child.exit().isSuccess()).isTrue();
			}
		}
	}

	/** As many as the hello says. Each is opened over the one before. */
	private static List<RawParent> openAll(RawParent first, Language language) throws Exception {
		List<RawParent> lanes = new ArrayList<>(List.of(first));
		while (lanes.size() < language.lanes()) {
			lanes.add(lanes.get(lanes.size() - 1).lane());
		}
		return lanes;
	}

}
