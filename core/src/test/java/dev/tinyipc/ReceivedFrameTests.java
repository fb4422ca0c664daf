package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.HexFormat;
import java.util.List;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

@Timeout(60)
class ReceivedFrameTests {

	private static final long TAG = 1230000970;

	private static final Deadline SOON = Deadline.in(Duration.ofDays(1));

	private IpcSocketPair pair;

	private IpcChannel parent;

	private IpcChannel child;

	@BeforeEach
	void makePair() throws Exception {
		this.pair = IpcSocket.pair();
		this.parent = IpcChannel.over(this.pair.parent());
		this.child = IpcChannel.over(this.pair.child());
	}

	@AfterEach
	void closePair() {
		this.pair.close();
	}

	/** The head of a tag may be longer than it need be. */
	@ParameterizedTest
	@ValueSource(strings = { "da4950534a 80", "db000000004950534a 80" })
	void theOutermostTagIsSeenBeforeTheBodyIsDecoded(String body) throws Exception {
		sendBody(body);
		try (ReceivedFrame<String> frame = this.child.receiveFrame(String.class, SOON)) {
			assertThat(frame.hasTag(TAG)).isTrue();
			assertThat(frame.hasTag(TAG - 1)).isFalse();
			try (IpcMessage<List<?>> message = list(frame)) {
				assertThat(message.payload()).isEmpty();
				assertThat(message.size()).isEqualTo(frame.size());
			}
		}
	}

	@SuppressWarnings({ "unchecked", "rawtypes" })
	private static IpcMessage<List<?>> list(ReceivedFrame<?> frame) throws IpcException {
		return (IpcMessage) frame.decodeAs(List.class);
	}

	/** No tag, another one within, one within another, and heads that are cut short. */
	@ParameterizedTest
	@ValueSource(strings = { "80", "81da4950534a80", "c1da4950534a80", "da495053", "df", "db00", "c0" })
	void whatHasAnotherTagOrNoneIsNotTakenForIt(String body) throws Exception {
		sendBody(body);
		try (ReceivedFrame<Object> frame = this.child.receiveFrame(Object.class, SOON)) {
			assertThat(frame.hasTag(TAG)).isFalse();
		}
	}

	@Test
	void aFrameThatIsDroppedLeaksNothingAndTheNextOneIsReceived() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			this.parent.send("dropped", file, file);
			try (ReceivedFrame<String> frame = this.child.receiveFrame(String.class, SOON)) {
				assertThat(frame.descriptors()).hasSize(2);
				frame.close();
			}
			watch.assertNoneLeft();
			this.parent.send("next");
			assertThat(this.child.receive(String.class, SOON).payload()).isEqualTo("next");
		}
	}

	@Test
	void aFrameThatCannotBeDecodedClosesItsDescriptors() throws Exception {
		try (OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			this.parent.send(List.of("no number"), file);
			assertThatExceptionOfType(JacksonException.class).isThrownBy(() -> this.child.receive(Integer.class, SOON));
			watch.assertNoneLeft();
		}
	}

	@Test
	void theDescriptorsGoOnWithTheMessage() throws Exception {
		try (OwnedFd file = Samples.memoryFile("content")) {
			this.parent.send("x", file);
			IpcMessage<String> message;
			try (ReceivedFrame<String> frame = this.child.receiveFrame(String.class, SOON)) {
				message = frame.decode();
			}
			assertThat(Samples.content(message.descriptors().get(0))).isEqualTo("content");
			message.close();
		}
	}

	/** Of one part, and of several. */
	@ParameterizedTest
	@ValueSource(ints = { 10, 3_000_000 })
	void aByteStringThatWasExpectedHasNoBodyToLookAt(int size) throws Exception {
		byte[] content = Samples.random(size);
		this.parent.socket().setSendTimeout(Duration.ofSeconds(30));
		Blocked sender = Blocked.any(() -> this.parent.send(content));
		try (ReceivedFrame<byte[]> frame = this.child.receiveFrame(byte[].class, SOON)) {
			assertThat(frame.body()).isNull();
			assertThat(frame.hasTag(TAG)).isFalse();
			assertThatIllegalStateException().isThrownBy(() -> frame.decodeAs(String.class));
			Samples.assertSame(frame.decode().payload(), content);
		}
		sender.join();
	}

	@Test
	void somethingElseThanTheByteStringThatWasExpectedIsDecodedAsWhatItIs() throws Exception {
		this.parent.send("text");
		try (ReceivedFrame<byte[]> frame = this.child.receiveFrame(byte[].class, SOON)) {
			assertThat(frame.body()).isEqualTo(ByteBuffer.wrap(HexFormat.of().parseHex("6474657874")));
			assertThat(frame.decodeAs(String.class).payload()).isEqualTo("text");
		}
	}

	@Test
	void aTryTakesAFrameOnlyIfOneIsThere() throws Exception {
		assertThat(this.child.tryReceiveFrame(String.class, SOON)).isNull();
		this.parent.send("x");
		try (ReceivedFrame<String> frame = this.child.tryReceiveFrame(String.class, SOON)) {
			assertThat(frame.decode().payload()).isEqualTo("x");
		}
		try (Blocked receiver = Blocked.in("recvmsg", () -> this.child.receive(String.class))) {
			assertThat(this.child.tryReceiveFrame(String.class, SOON)).isNull();
			this.parent.send("for the other");
			receiver.join();
		}
		this.pair.parent().close();
		assertThatExceptionOfType(IpcException.PeerClosed.class)
			.isThrownBy(() -> this.child.tryReceiveFrame(String.class, SOON));
	}

	@Test
	void aTryWaitsForTheRestOfAFrameThatHasBegun() throws Exception {
		byte[] content = Samples.random(1_000_000);
		Blocked sender = Blocked.in("send", () -> this.parent.send(content));
		try (ReceivedFrame<byte[]> frame = this.child.tryReceiveFrame(byte[].class, SOON)) {
			Samples.assertSame(frame.decode().payload(), content);
		}
		sender.join();
	}

	@Test
	void aTryThatMissesTheRestIsNoTimeoutAndEndsTheSocket() throws Exception {
		RawSender.send(this.pair.parent(), ByteBuffer.allocate(9).order(ByteOrder.nativeOrder()).putLong(0, 9).array());
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> this.child.tryReceiveFrame(String.class, Deadline.in(Duration.ofMillis(10))))
			.withMessageContaining("part of a message had come")
			.isNotInstanceOf(IpcException.Timeout.class);
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> this.child.receive(String.class))
			.withMessageContaining("is unusable");
	}

	private void sendBody(String hex) throws Exception {
		RawSender.send(this.pair.parent(), Samples.frame(HexFormat.of().parseHex(hex.replace(" ", ""))));
	}

}
