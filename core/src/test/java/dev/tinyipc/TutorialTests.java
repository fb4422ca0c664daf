package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

import com.sun.jna.Structure;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The README of tiny-nix-ipc, example by example. Ours takes its snippets from here, from
 * between the comments that name them.
 */
@Timeout(30)
class TutorialTests {

	private final byte[] data = { (byte) 0xDE, (byte) 0xAD, (byte) 0xBE, (byte) 0xEF };

	@Test
	void createASocketPair() throws Exception {
		// tag::pair[]
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// end::pair[]
			assertThat(parent.isCloseOnExec()).isTrue();
			assertThat(child.isCloseOnExec()).isTrue();
			assertThat(parent.fd()).as("for polling").isNotEqualTo(child.fd());
		}
	}

	@Test
	void makeASocketThatOtherProgramsInherit() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket child = pair.child();
			// tag::inherit[]
			child.setCloseOnExec(false);
			// end::inherit[]
			assertThat(Samples.isCloseOnExec(child.fd())).isFalse();
		}
	}

	@Test
	void sendAndReceiveBytes() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// tag::bytes[]
			parent.send(ByteBuffer.wrap(this.data));

			ByteBuffer buffer = ByteBuffer.allocate(4);
			try (Packet packet = child.receive(buffer)) { // null: the peer closed
				assertThat(packet.length()).isEqualTo(4);
				assertThat(packet.descriptors()).isEmpty();
			}
			// end::bytes[]
			assertThat(buffer.array()).isEqualTo(this.data);
		}
	}

	@Test
	void sendAndReceiveSeveralBuffersAsOnePacket() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			ByteBuffer header = ByteBuffer.allocate(3);
			// tag::vectors[]
			ByteBuffer[] parts = { ByteBuffer.wrap(this.data), Samples.bytes("and more") };
			parent.send(parts);

			ByteBuffer[] room = { header, ByteBuffer.allocateDirect(100) };
			try (Packet packet = child.receive(room)) {
				assertThat(packet.length()).isEqualTo(12);
			}
			// end::vectors[]
			assertThat(header.array()).containsExactly(0xDE, 0xAD, 0xBE);
			assertThat(room[1].position()).isEqualTo(9);
		}
	}

	@Test
	void sendAndReceiveBytesWithADescriptor() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// tag::descriptor[]
			try (SharedMemory memory = SharedMemory.create("test")) { // or OwnedFd.open
				memory.outputStream().write("written here".getBytes(StandardCharsets.UTF_8));
				parent.send(ByteBuffer.wrap(this.data), memory.descriptor());
			}

			ByteBuffer buffer = ByteBuffer.allocate(4);
			try (Packet packet = child.receive(buffer)) { // closes the descriptor, too
				byte[] content = packet.descriptors().get(0).inputStream().readAllBytes();
				assertThat(new String(content, StandardCharsets.UTF_8)).isEqualTo("written here");
			}
			// end::descriptor[]
			assertThat(buffer.array()).isEqualTo(this.data);
		}
	}

	// tag::structure-class[]
	@Structure.FieldOrder({ "one", "two" })
	public static class TestStruct extends Structure {

		public byte one;

		public int two;

	}
	// end::structure-class[]

	@Test
	void sendAndReceiveAStructure() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// tag::structure[]
			TestStruct sent = new TestStruct();
			sent.one = -65;
			sent.two = 0xDEADBEEF;
			parent.send(sent);

			TestStruct received = new TestStruct();
			try (Packet packet = child.receive(received)) {
				assertThat(received.one).isEqualTo((byte) -65);
				assertThat(received.two).isEqualTo(0xDEADBEEF);
			}
			// end::structure[]
			assertThat(sent.size()).isEqualTo(8);
		}
	}

	// tag::value-class[]
	record Thumbnail(String name, int width, List<Integer> sizes) {
	}
	// end::value-class[]

	@Test
	void sendAndReceiveAValueAsCbor() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd picture = Samples.memoryFile("a picture")) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// tag::cbor[]
			Thumbnail thumbnail = new Thumbnail("cat.png", 256, List.of(16, 32));
			IpcChannel.over(parent).send(thumbnail, picture);

			try (IpcMessage<Thumbnail> message = IpcChannel.over(child).receive(Thumbnail.class)) {
				assertThat(message.payload()).isEqualTo(thumbnail);
				assertThat(message.descriptors()).hasSize(1);
			}
			// end::cbor[]
		}
	}

	/** The example of tiny-nix-ipc, down to the size of the message. */
	@Test
	void sendAndReceiveANumberAsCbor() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			long size = IpcChannel.over(pair.parent()).send(123456);
			assertThat(size).as("8 of header, and the body").isEqualTo(8 + 5);
			try (IpcMessage<Object> message = IpcChannel.over(pair.child()).receive(Object.class)) {
				assertThat(message.payload()).isEqualTo(123456);
				assertThat(message.size()).isEqualTo(size);
			}
		}
	}

	@Test
	void sendAndReceiveAValueAsJson() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocket parent = pair.parent();
			IpcSocket child = pair.child();
			// tag::json[]
			JsonMapper json = JsonMapper.shared();
			IpcChannel.over(parent, json).send(Map.of("width", 256));

			try (IpcMessage<JsonNode> message = IpcChannel.over(child, json).receive(JsonNode.class)) {
				assertThat(message.payload().path("width").intValue()).isEqualTo(256);
			}
			// end::json[]
		}
	}

}
