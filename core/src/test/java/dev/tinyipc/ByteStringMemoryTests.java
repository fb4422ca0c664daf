package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/**
 * Byte arrays are copied straight into the memory of a lane and out of it, as a stream
 * that may be longer than the memory, which must make no difference except in speed.
 */
@Timeout(60)
class ByteStringMemoryTests {

	private static final int RING = 16 * 1024;

	private MemoryLane lane;

	@BeforeEach
	void openLane() throws IpcException {
		this.lane = MemoryLane.open(RING);
	}

	@AfterEach
	void closeLane() {
		this.lane.close();
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 23, 24, 256, RING / 4, RING / 2 - 11, RING / 2, RING, 65_519, 65_536, 3_000_000 })
	void inTheMemoryIsWhatTheMapperWouldHaveWritten(int size) throws Exception {
		byte[] content = Samples.random(size);
		for (int round = 0; round < 3; round++) {
			Future<Long> sent = send(content);
			Object received = this.lane.othersChannel().<Object>receive(Object.class, inTime()).payload();
			assertThat(received).isInstanceOfSatisfying(byte[].class, (bytes) -> Samples.assertSame(bytes, content));
			sent.get(20, TimeUnit.SECONDS);
		}
	}

	@ParameterizedTest
	@ValueSource(ints = { 0, 1, 23, 24, 256, RING / 4, RING / 2 - 11, RING / 2, RING, 65_519, 65_536, 3_000_000 })
	void whatAMapperWroteIsRead(int size) throws Exception {
		byte[] content = Samples.random(size);
		for (int round = 0; round < 3; round++) {
			Future<Long> sent = send(ByteBuffer.wrap(content));
			Samples.assertSame(received(), content);
			sent.get(20, TimeUnit.SECONDS);
		}
	}

	@Test
	void anythingElseIsRefusedAndTheNextMessageIsReceived() throws Exception {
		Future<Long> sent = send("no base 64! ".repeat(30_000));
		assertThatExceptionOfType(JacksonException.class).isThrownBy(this::received);
		sent.get(20, TimeUnit.SECONDS);
		send(new byte[] { 9 }).get(20, TimeUnit.SECONDS);
		assertThat(received()).containsExactly(9);
	}

	@Test
	void arrayTakesNoMemoryOnTheWay() throws Exception {
		int before = LargeMemory.kept();
		Future<Long> sent = send(Samples.random(3_000_000));
		Samples.assertSame(received(), Samples.random(3_000_000));
		sent.get(20, TimeUnit.SECONDS);
		assertThat(LargeMemory.kept()).isEqualTo(before);
	}

	private Future<Long> send(Object payload) {
		return FrameSizeTests.inBackground(() -> this.lane.openersChannel().send(payload, inTime()));
	}

	private byte[] received() throws IpcException {
		return this.lane.othersChannel().receive(byte[].class, inTime()).payload();
	}

	private static Deadline inTime() {
		return Deadline.in(Duration.ofSeconds(30));
	}

}
