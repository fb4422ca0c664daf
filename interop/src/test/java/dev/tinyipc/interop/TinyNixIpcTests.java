package dev.tinyipc.interop;

import java.io.Closeable;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Packet;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** The library that this one is the heir of, below messages: packets as they are. */
@Timeout(value = 120, unit = TimeUnit.SECONDS)
class TinyNixIpcTests {

	@FieldOrder({ "one", "two" })
	public static class TestStruct extends Structure {

		public byte one;

		public int two;

	}

	@BeforeEach
	void build() throws Exception {
		Language.RUST_TINY_NIX_IPC.require();
	}

	@Test
	void bytesComeBackInReverse() throws Exception {
		try (Raw peer = new Raw("slice")) {
			assertThat(peer.exchange(new byte[] { (byte) 0xde, (byte) 0xad, (byte) 0xbe, (byte) 0xef }))
				.isEqualTo(new byte[] { (byte) 0xef, (byte) 0xbe, (byte) 0xad, (byte) 0xde });
			peer.assertEndsWith(0);
		}
	}

	@Test
	void bytesOfAnotherNumberEndIt() throws Exception {
		try (Raw peer = new Raw("slice")) {
			peer.socket().send(ByteBuffer.wrap(new byte[3]));
			peer.assertClosesAndEndsWith(1);
		}
	}

	@Test
	void structureIsTheSameOnBothSides() throws Exception {
		try (Raw peer = new Raw("struct")) {
			TestStruct structure = new TestStruct();
			structure.one = -65;
			structure.two = 0xDEADBEEF;
			peer.socket().send(structure);
			TestStruct received = new TestStruct();
			try (Packet packet = peer.socket().receive(received)) {
				assertThat(packet.length()).isEqualTo(8);
				assertThat(received.one).isEqualTo((byte) -64);
				assertThat(received.two).isEqualTo(0xDEADBEF0);
			}
			peer.assertEndsWith(0);
		}
	}

	@Test
	void descriptorComesWithTheBytesAndIsReadOnTheOtherSide() throws Exception {
		Path content = Files.writeString(Programs.TARGET.resolve("raw-content"), "text behind");
		try (Raw peer = new Raw("slice-with-descriptor"); OwnedFd file = OwnedFd.open(content)) {
			assertThat(new String(peer.exchange(new byte[4], file))).isEqualTo("text");
			peer.assertEndsWith(0);
		}
	}

	/** The crate with an argument, which says what packets it answers. */
	private static final class Raw implements Closeable {

		private final Child child;

		Raw(String mode) throws IOException {
			List<String> command = new ArrayList<>(Language.RUST_TINY_NIX_IPC.command());
			command.add(mode);
			this.child = new Child(command);
		}

		IpcSocket socket() {
			return this.child.socket();
		}

		byte[] exchange(byte[] bytes, OwnedFd... descriptors) throws IOException {
			socket().send(ByteBuffer.wrap(bytes), descriptors);
			ByteBuffer reply = ByteBuffer.allocate(bytes.length);
			try (Packet packet = socket().receive(reply)) {
				assertThat(packet).isNotNull();
				assertThat(packet.length()).isEqualTo(bytes.length);
				assertThat(packet.descriptors()).isEmpty();
			}
			return reply.array();
		}

		void assertEndsWith(int code) throws Exception {
			socket().close();
			assertThat(this.child.exit().exitValue()).isEqualTo(code);
		}

		void assertClosesAndEndsWith(int code) throws Exception {
			assertThat(socket().receive(ByteBuffer.allocate(8))).isNull();
			assertThat(this.child.exit().exitValue()).isEqualTo(code);
		}

		@Override
		public void close() {
			this.child.close();
		}

	}

}
