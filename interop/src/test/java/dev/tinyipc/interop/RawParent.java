package dev.tinyipc.interop;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.RawMemory;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The end that asks, on one lane, message by message as the wire format says it. So the
 * tests see what a child really sends, and not what a library makes of it.
 */
final class RawParent implements Closeable {

	private static final int MOST_ELEMENTS_IN_A_SOCKET = 100_000;

	private static final byte[] NULL = { (byte) 0xf6 };

	private final Wire wire;

	RawParent(IpcSocket socket) {
		this(new SocketWire(socket));
	}

	RawParent(Wire wire) {
		this.wire = wire;
	}

	/**
	 * The parent of a child that was invited, whose hello it takes, and with which it
	 * shares memory in tests {@link OverMemory}.
	 */
	static RawParent greeting(Child child) throws IOException {
		RawParent parent = new RawParent(child.socket());
		parent.hello();
		return OverMemory.isOn() ? new RawParent(parent.share(OverMemory.ringSize())) : parent;
	}

	/** Takes the first message of a child that was invited. */
	JsonNode hello() throws IOException {
		JsonNode hello = RawAnswer.readHello(this.wire.receive().bytes());
		assertThat(hello).as("the first message is a hello").isNotNull();
		return hello;
	}

	void send(byte[] body, OwnedFd... descriptors) throws IOException {
		this.wire.send(body, descriptors);
	}

	/** Sends a request, in an envelope if it has a number. */
	void request(@Nullable Long id, Object request, OwnedFd... descriptors) throws IOException {
		byte[] body = Cbor.bytes(request);
		send((id != null) ? Cbor.tagged(RawAnswer.ENVELOPE, Cbor.numbered(id, body)) : body, descriptors);
	}

	void cancel() throws IOException {
		send(Cbor.tagged(RawAnswer.CANCEL, NULL));
	}

	RawAnswer receive() throws IOException {
		Wire.Body body = this.wire.receive();
		return RawAnswer.read(body.bytes(), body.descriptors());
	}

	RawAnswer exchange(@Nullable Long id, Object request, OwnedFd... descriptors) throws IOException {
		request(id, request, descriptors);
		return receive();
	}

	/** Receives as many elements, which count from 0. */
	void assertElements(@Nullable Long id, int count) throws IOException {
		List<RawAnswer> elements = new ArrayList<>();
		for (int i = 0; i < count; i++) {
			elements.add(receive());
		}
		assertThat(elements).extracting((element) -> element.value().toString())
			.isEqualTo(IntStream.range(0, count).mapToObj(Integer::toString).toList());
		assertThat(elements).allSatisfy((element) -> {
			assertThat(element.what()).isEqualTo(RawAnswer.What.ELEMENT);
			assertThat(element.id()).isEqualTo(id);
		});
	}

	/** Receives up to what is no element, which is not far from a cancel. */
	RawAnswer afterTheElements() throws IOException {
		for (int i = 0; i < MOST_ELEMENTS_IN_A_SOCKET; i++) {
			RawAnswer answer = receive();
			if (answer.what() != RawAnswer.What.ELEMENT) {
				return answer;
			}
		}
		throw new AssertionError("the stream goes on after more elements than were on their way");
	}

	/** Asks for what any child can do, and sees that this is what comes next. */
	void assertInStep() throws IOException {
		RawAnswer reply = exchange(null, Map.of("do", "echo", "payload", "next"));
		assertThat(reply.value().toString()).isEqualTo("\"next\"");
		assertThat(reply.what()).isEqualTo(RawAnswer.What.REPLY);
	}

	/** Asks for a further lane. */
	RawParent lane() throws IOException {
		RawParent lane = tryLane();
		assertThat(lane).as("the lane").isNotNull();
		return lane;
	}

	/** Shares memory, through which all other messages of this lane go. */
	RawLane share(int ringSize) throws IOException {
		RawMemory memory = RawLane.memory(ringSize);
		RawAnswer answer = offer(memory.descriptor());
		assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.REPLY);
		return new RawLane(socket(), memory);
	}

	/** Offers a lane, or memory for one. */
	RawAnswer offer(OwnedFd... descriptors) throws IOException {
		send(NULL, descriptors);
		RawAnswer answer = receive();
		assertThat(answer.id()).isNull();
		assertThat(answer.what() == RawAnswer.What.ERROR || answer.value().isNull()).as(answer.toString()).isTrue();
		return answer;
	}

	/**
	 * Asks for a further lane.
	 * @return null if the child refused it
	 */
	@Nullable RawParent tryLane() throws IOException {
		IpcSocketPair pair = IpcSocket.pair();
		pair.parent().setReceiveTimeout(Child.PATIENCE);
		RawParent lane;
		RawAnswer answer;
		try (IpcSocket theirs = pair.child()) {
			if (OverMemory.isOn()) {
				RawMemory memory = RawLane.memory(OverMemory.ringSize());
				lane = new RawParent(new RawLane(pair.parent(), memory));
				answer = offer(theirs.descriptor(), memory.descriptor());
			}
			else {
				lane = new RawParent(pair.parent());
				answer = offer(theirs.descriptor());
			}
		}
		if (answer.what() != RawAnswer.What.ERROR) {
			return lane;
		}
		try (lane) {
			assertThat(lane.socket().receive(ByteBuffer.allocate(1))).as("a packet of a lane that was refused")
				.isNull();
			return null;
		}
	}

	IpcSocket socket() {
		return this.wire.socket();
	}

	@Override
	public void close() {
		this.wire.close();
	}

}
