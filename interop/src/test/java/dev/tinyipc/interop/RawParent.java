package dev.tinyipc.interop;

import java.io.ByteArrayOutputStream;
import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Packet;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The end that asks, on one socket, message by message as the wire format says it. So the
 * tests see what a child really sends, and not what a library makes of it.
 */
final class RawParent implements Closeable {

	private static final int LARGEST_PACKET = 512 * 1024;

	private static final int MOST_ELEMENTS_IN_A_SOCKET = 100_000;

	private static final byte[] NULL = { (byte) 0xf6 };

	private final IpcSocket socket;

	private final ByteBuffer packet = ByteBuffer.allocateDirect(LARGEST_PACKET);

	RawParent(IpcSocket socket) {
		this.socket = socket;
	}

	/** The parent of a child that was invited, whose hello it takes. */
	static RawParent greeting(Child child) throws IOException {
		RawParent parent = new RawParent(child.socket());
		parent.hello();
		return parent;
	}

	/** Takes the first message of a child that was invited. */
	JsonNode hello() throws IOException {
		JsonNode hello = RawAnswer.readHello(receiveBody().bytes());
		assertThat(hello).as("the first message is a hello").isNotNull();
		return hello;
	}

	void send(byte[] body, OwnedFd... descriptors) throws IOException {
		ByteBuffer frame = ByteBuffer.allocate(Long.BYTES + body.length).order(ByteOrder.nativeOrder());
		this.socket.send(frame.putLong(body.length).put(body).flip(), descriptors);
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
		Body body = receiveBody();
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

	/**
	 * Asks for a further lane.
	 * @return null if the child refused it
	 */
	@Nullable RawParent tryLane() throws IOException {
		IpcSocketPair pair = IpcSocket.pair();
		pair.parent().setReceiveTimeout(Child.PATIENCE);
		RawParent lane = new RawParent(pair.parent());
		try (IpcSocket theirs = pair.child()) {
			send(NULL, theirs.descriptor());
		}
		RawAnswer answer = receive();
		assertThat(answer.id()).isNull();
		if (answer.what() != RawAnswer.What.ERROR) {
			assertThat(answer.value().isNull()).isTrue();
			return lane;
		}
		try (lane) {
			assertThat(lane.socket.receive(lane.packet)).as("a packet of a lane that was refused").isNull();
			return null;
		}
	}

	IpcSocket socket() {
		return this.socket;
	}

	private Body receiveBody() throws IOException {
		int count = 0;
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		long length = -1;
		while (length < 0 || body.size() < length) {
			this.packet.clear();
			try (Packet received = this.socket.receive(this.packet)) {
				assertThat(received).as("a packet").isNotNull();
				count += received.descriptors().size();
				ByteBuffer bytes = this.packet.duplicate()
					.order(ByteOrder.nativeOrder())
					.position(0)
					.limit(received.length());
				if (length < 0) {
					length = bytes.getLong();
				}
				else {
					assertThat(received.descriptors()).isEqualTo(List.of());
				}
				byte[] part = new byte[bytes.remaining()];
				bytes.get(part);
				body.write(part);
			}
		}
		assertThat(body.size()).isEqualTo((int) length);
		return new Body(body.toByteArray(), count);
	}

	@Override
	public void close() {
		this.socket.close();
	}

	private record Body(byte[] bytes, int descriptors) {
	}

}
