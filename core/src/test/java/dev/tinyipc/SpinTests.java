package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class SpinTests {

	private static final long LIMIT = 50_000;

	private static final int PACKETS = 10_000;

	private static final int RECEIVES = 100_000;

	/** What an end does between two receives. */
	private static final long WORK = 2_000;

	private final Spin spin = new Spin();

	/** The clock, by which nothing here really waits. */
	private long now;

	private IpcSocketPair pair;

	@BeforeEach
	void makePair() throws Exception {
		this.spin.setLimit(LIMIT);
		this.pair = IpcSocket.pair();
		this.pair.parent().setSpinTime(Duration.ofNanos(LIMIT));
	}

	@AfterEach
	void closePair() {
		this.pair.close();
	}

	@Test
	void whatWakingWouldTakeLongerForIsWaitedForAwake() {
		assertThat(awake(3_000, 12_000)).isGreaterThan(RECEIVES * 9 / 10);
	}

	@Test
	void aPeerThatTakesLongerThanTheLimitIsWaitedForAsleep() {
		assertThat(awake(LIMIT * 3, LIMIT * 3)).isLessThan(RECEIVES / 10);
	}

	@Test
	void whereThePeerNeedsTheProcessorItIsWaitedForAsleep() {
		assertThat(awake(30_000, 15_000)).isLessThan(RECEIVES / 10);
	}

	@Test
	void aPeerThatHasBecomeFastIsNoticedAndOneThatHasBecomeSlowToo() {
		assertThat(awake(LIMIT * 3, LIMIT * 3)).isLessThan(RECEIVES / 10);
		assertThat(awake(3_000, 12_000)).isGreaterThan(RECEIVES * 8 / 10);
		assertThat(awake(LIMIT * 3, LIMIT * 3)).isLessThan(RECEIVES / 10);
	}

	@Test
	void onePauseIsSoonForgotten() {
		awake(3_000, 12_000);
		this.spin.waited(true, Duration.ofHours(1).toNanos());
		assertThat(awake(3_000, 12_000)).isGreaterThan(RECEIVES * 8 / 10);
	}

	@Test
	void whoseProcessorOthersTakeSleepsHoweverFastThePeerIs() {
		int awake = 0;
		for (int i = 0; i < RECEIVES; i++) {
			boolean stays = this.spin.stayAwake(this.now);
			if (stays) {
				this.spin.begin(this.now);
				assertThat(this.spin.goesOn(this.now + 1_000)).isTrue();
				assertThat(this.spin.goesOn(this.now + 21_000)).isFalse();
				awake++;
			}
			waited(stays, stays ? 3_000 : 12_000);
		}
		assertThat(awake).isLessThan(RECEIVES / 10);
		assertThat(awake(3_000, 12_000)).isGreaterThan(RECEIVES * 8 / 10);
	}

	@Test
	void whoeverTakesTheProcessorNowAndThenDoesNotCount() {
		awake(3_000, 12_000);
		int awake = 0;
		for (int i = 0; i < RECEIVES; i++) {
			boolean stays = this.spin.stayAwake(this.now);
			if (stays && i % 500 == 0) {
				this.spin.begin(this.now);
				assertThat(this.spin.goesOn(this.now + 90_000)).isFalse();
			}
			waited(stays, stays ? 3_000 : 12_000);
			awake += stays ? 1 : 0;
		}
		assertThat(awake).isGreaterThan(RECEIVES * 95 / 100);
	}

	@Test
	void trialsThatTeachNothingBecomeSeldom() {
		awake(LIMIT * 3, LIMIT * 3);
		assertThat(awake(LIMIT * 3, LIMIT * 3)).isBetween(1, RECEIVES / 100);
		awake(3_000, 12_000);
		assertThat(awake(3_000, 12_000)).isBetween(RECEIVES - RECEIVES / 500, RECEIVES - 1);
	}

	@ParameterizedTest
	@ValueSource(longs = { 20_000, 45_000, 100_000 })
	void twoEndsThatSleepFindOutTogetherThatItPaysToStayAwake(long wakingUp) {
		End client = new End(wakingUp);
		End server = new End(wakingUp);
		exchange(client, server, 5_000, LIMIT * 6);
		assertThat(client.awake() + server.awake()).isLessThan(500);
		exchange(client, server, RECEIVES, WORK);
		assertThat(client.awake()).isGreaterThan(RECEIVES * 9 / 10);
		assertThat(server.awake()).isGreaterThan(RECEIVES * 9 / 10);
	}

	private void exchange(End client, End server, int exchanges, long work) {
		for (int i = 0; i < exchanges; i++) {
			server.begin(this.now);
			this.now += work;
			client.begin(this.now);
			this.now = server.receive(this.now) + work;
			this.now = client.receive(this.now);
		}
	}

	/** How many receives stayed awake, of a peer that takes so long either way. */
	private int awake(long nanosIfAwake, long nanosIfAsleep) {
		int awake = 0;
		for (int i = 0; i < RECEIVES; i++) {
			boolean stays = this.spin.stayAwake(this.now);
			waited(stays, stays ? nanosIfAwake : nanosIfAsleep);
			awake += stays ? 1 : 0;
		}
		return awake;
	}

	private void waited(boolean awake, long nanos) {
		this.spin.waited(awake, nanos);
		this.now += nanos + WORK;
	}

	@Test
	void packetsComeInOrderAndWhole() throws Exception {
		this.pair.child().setSpinTime(Duration.ofNanos(LIMIT));
		CompletableFuture<Void> echo = CompletableFuture.runAsync(() -> echo(this.pair.child()));
		ByteBuffer buffer = ByteBuffer.allocate(Integer.BYTES);
		for (int i = 0; i < PACKETS; i++) {
			this.pair.parent().send(buffer.clear().putInt(i).flip());
			try (Packet packet = this.pair.parent().receive(buffer.clear())) {
				assertThat(packet.length()).isEqualTo(Integer.BYTES);
			}
			assertThat(buffer.flip().getInt()).isEqualTo(i);
		}
		this.pair.parent().shutdownOutput();
		echo.get();
	}

	private static void echo(IpcSocket socket) {
		ByteBuffer buffer = ByteBuffer.allocate(64);
		try {
			for (Packet packet; (packet = socket.receive(buffer.clear())) != null; packet.close()) {
				socket.send(buffer.flip());
			}
		}
		catch (IpcException ex) {
			throw new IllegalStateException(ex);
		}
	}

	@Test
	void descriptorsComeToo() throws Exception {
		try (OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
			for (int i = 0; i < 200; i++) {
				this.pair.child().send(ByteBuffer.wrap(new byte[1]), file);
				try (Packet packet = this.pair.parent().receive(ByteBuffer.allocate(1))) {
					assertThat(packet.descriptors()).hasSize(1);
				}
			}
		}
	}

	@Test
	void aTimeoutIsATimeout() throws Exception {
		this.pair.parent().setReceiveTimeout(Duration.ofMillis(20));
		assertThatExceptionOfType(IpcException.Timeout.class)
			.isThrownBy(() -> this.pair.parent().receive(ByteBuffer.allocate(1)));
	}

	@Test
	void theEndOfThePeerIsTheEnd() throws Exception {
		this.pair.child().close();
		assertThat(this.pair.parent().receive(ByteBuffer.allocate(1))).isNull();
	}

	@Test
	void aSpinTimeThatMakesNoSenseIsRefused() {
		assertThatIllegalArgumentException().isThrownBy(() -> this.pair.parent().setSpinTime(Duration.ofMillis(-1)))
			.withMessageContaining("zero to PT0.01S");
		assertThatIllegalArgumentException()
			.isThrownBy(() -> new IpcProcessBuilder("true").spinTime(Duration.ofDays(1)))
			.withMessageContaining("zero to PT0.01S");
	}

	@Test
	void aChildIsToldTheTimeAndNoneIfThereIsNone() throws Exception {
		assertThat(said(new IpcProcessBuilder("sh", "-c", "echo $TINY_IPC_SPIN_MICROS").spinTime(Duration.ofMillis(2))))
			.isEqualTo("2000\n");
		IpcProcessBuilder builder = new IpcProcessBuilder("sh", "-c", "echo ${TINY_IPC_SPIN_MICROS-nothing}");
		// What our own parent said.
		builder.environment().put(InheritedSocket.SPIN_VARIABLE, "100");
		assertThat(said(builder)).isEqualTo("nothing\n");
	}

	private static String said(IpcProcessBuilder builder) throws Exception {
		try (IpcProcess process = builder.start()) {
			return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
		}
	}

	@ParameterizedTest
	@ValueSource(strings = { "", "soon", "-1", "10001", "9223372036854775807" })
	void aChildThatIsToldNonsenseSaysSoAndHasItsSocketStill(String micros) throws Exception {
		assertThat(new ChildJvm(InheritedSocketTests.Asking.class)
			.with((builder) -> builder.environment()
				.putAll(Map.of(IpcSocket.FD_VARIABLE, "0", "TINY_IPC_SPIN_MICROS", micros)))
			.run()).contains("IpcException: The environment says TINY_IPC_SPIN_MICROS=" + micros + ",")
			.contains("still open: true");
	}

	/** One end of a lane: it is woken up, unless it spins when a packet arrives. */
	private static final class End {

		/** Between two looks, less than it takes somebody else to run meanwhile. */
		private static final long TURN = 1_000;

		private final Spin spin = new Spin();

		private final long wakingUp;

		private boolean spinning;

		private long begun;

		private int awake;

		End(long wakingUp) {
			this.wakingUp = wakingUp;
			this.spin.setLimit(LIMIT);
		}

		void begin(long now) {
			this.begun = now;
			this.spinning = this.spin.stayAwake(now);
			if (this.spinning) {
				this.spin.begin(now);
				this.awake++;
			}
		}

		/** Returns when it has the packet that arrives then. */
		long receive(long arrival) {
			boolean seen = this.spinning;
			for (long now = this.begun; seen && now < arrival; now += TURN) {
				seen = this.spin.goesOn(now);
			}
			long received = seen ? arrival : arrival + this.wakingUp;
			this.spin.waited(this.spinning, received - this.begun);
			return received;
		}

		/** How many receives stayed awake since this was last asked. */
		int awake() {
			int count = this.awake;
			this.awake = 0;
			return count;
		}

	}

}
