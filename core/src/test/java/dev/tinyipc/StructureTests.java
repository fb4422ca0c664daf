package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Structure.FieldOrder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

@Timeout(60)
class StructureTests {

	/** The seed's: one byte, three of padding, four. */
	@FieldOrder({ "one", "two" })
	public static class Padded extends Structure {

		public byte one;

		public int two;

		public Padded() {
		}

		Padded(int alignment) {
			super(alignment);
		}

		public static class ByReference extends Padded implements Structure.ByReference {

		}

	}

	@FieldOrder({ "first", "parts", "bytes", "number" })
	public static class Nested extends Structure {

		public Padded first;

		public Padded[] parts = { new Padded(), new Padded(), new Padded() };

		public byte[] bytes = new byte[5];

		public NativeLong number;

	}

	@Test
	void structureArrivesByItsRawBytesPaddingIncluded() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("with it")) {
			Padded sent = new Padded();
			sent.one = -65;
			sent.two = 0xDEADBEEF;
			pair.parent().send(sent, file);
			Padded received = new Padded();
			try (Packet packet = pair.child().receive(received)) {
				assertThat(packet.length()).isEqualTo(8);
				assertThat(Samples.content(packet.descriptors().get(0))).isEqualTo("with it");
			}
			assertThat(received.one).isEqualTo((byte) -65);
			assertThat(received.two).isEqualTo(0xDEADBEEF);
		}
	}

	@Test
	void packedStructureHasNoPadding() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Padded sent = new Padded(Structure.ALIGN_NONE);
			sent.two = 7;
			pair.parent().send(sent);
			ByteBuffer raw = ByteBuffer.allocate(100).order(ByteOrder.nativeOrder());
			assertThat(pair.child().receive(raw).length()).isEqualTo(5);
			assertThat(raw.getInt(1)).isEqualTo(7);
		}
	}

	@Test
	void nestedStructuresAndArraysOfThemArrive() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Nested sent = new Nested();
			sent.first.two = 1;
			sent.parts[2].two = 2;
			sent.bytes[4] = 3;
			sent.number = new NativeLong(4);
			pair.parent().send(sent);
			Nested received = new Nested();
			pair.child().receive(received).close();
			assertThat(received.first.two).isEqualTo(1);
			assertThat(received.parts[2].two).isEqualTo(2);
			assertThat(received.bytes[4]).isEqualTo((byte) 3);
			assertThat(received.number.longValue()).isEqualTo(4);
		}
	}

	/** The seed accepted one that was too long. */
	@Test
	void packetOfAnotherSizeIsNoStructureAndItsDescriptorsAreClosed() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			Padded room = new Padded();
			room.two = 42;
			for (int size : new int[] { 1, 7, 9, 16, 1000 }) {
				pair.parent().send(ByteBuffer.allocate(size), file);
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.child().receive(room))
					.withMessageContaining(size + " bytes")
					.withMessageContaining("8");
				assertThat(room.two).as("keeps its values").isEqualTo(42);
			}
			watch.assertNoneLeft();
			pair.parent().close();
			assertThat(pair.child().receive(room)).isNull();
			assertThat(room.two).isEqualTo(42);
		}
	}

	@FieldOrder("pointer")
	public static class WithPointer extends Structure {

		public Pointer pointer;

	}

	@FieldOrder("text")
	public static class WithString extends Structure {

		public String text;

	}

	@FieldOrder("reference")
	public static class WithReference extends Structure {

		public Padded.ByReference reference;

	}

	@FieldOrder("inner")
	public static class WithPointerInside extends Structure {

		public WithPointer[] inner = new WithPointer[1];

	}

	/**
	 * They would be addresses of this process, which mean nothing, or worse, in another.
	 */
	@Test
	void structureWithAnAddressInItIsRefused() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (Structure structure : new Structure[] { new WithPointer(), new WithString(), new WithReference(),
					new WithPointerInside() }) {
				assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(structure))
					.withMessageContaining("is an address in this process");
				assertThatIllegalArgumentException().isThrownBy(() -> pair.child().receive(structure));
			}
			assertThat(pair.child().tryReceive(ByteBuffer.allocate(1))).isNull();
		}
	}

}
