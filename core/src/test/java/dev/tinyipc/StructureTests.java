package dev.tinyipc;

import java.nio.Buffer;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;

import com.sun.jna.Callback;
import com.sun.jna.NativeLong;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;
import com.sun.jna.Union;
import com.sun.jna.WString;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

@Timeout(30)
class StructureTests {

	@Structure.FieldOrder({ "one", "two" })
	public static class Padded extends Structure {

		public byte one;

		public int two;

		public Padded() {
		}

		Padded(int alignment) {
			super(alignment);
		}

	}

	public static class Packed extends Padded {

		public Packed() {
			super(ALIGN_NONE);
		}

	}

	@Structure.FieldOrder({ "inner", "more", "numbers", "wide", "small", "big", "ratio", "letter", "flag" })
	public static class Everything extends Structure {

		public Padded inner;

		public Padded[] more = new Padded[2];

		public long[] numbers = new long[3];

		public NativeLong wide = new NativeLong(0);

		public short small;

		public double big;

		public float ratio;

		public char letter;

		public boolean flag;

	}

	@Structure.FieldOrder({ "kind", "value" })
	public static class Tagged extends Structure {

		public int kind;

		public Value value;

		public static class Value extends Union {

			public long whole;

			public double ratio;

			public Padded both;

		}

	}

	/** C's layout: {@code struct { int8_t one; uint32_t two; }}. */
	@Test
	void paddedStructureIsSentAsCLaysItOut() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(filled(new Padded()));
			ByteBuffer bytes = received(pair.child());
			assertThat(bytes.remaining()).isEqualTo(8);
			assertThat(bytes.get(0)).isEqualTo((byte) -65);
			assertThat(bytes.getInt(4)).isEqualTo(0xDEADBEEF);
		}
	}

	@Test
	void packedStructureIsSentWithoutGaps() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(filled(new Packed()));
			ByteBuffer bytes = received(pair.child());
			assertThat(bytes.remaining()).isEqualTo(5);
			assertThat(bytes.get(0)).isEqualTo((byte) -65);
			assertThat(bytes.getInt(1)).isEqualTo(0xDEADBEEF);
		}
	}

	@Test
	void structureIsReceivedFromTheBytesOfAnyPeer() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(ByteBuffer.allocate(5).order(ByteOrder.nativeOrder()).put((byte) 7).putInt(8).flip());
			Packed structure = new Packed();
			assertThat(pair.child().receive(structure).length()).isEqualTo(5);
			assertThat(structure.one).isEqualTo((byte) 7);
			assertThat(structure.two).isEqualTo(8);
		}
	}

	@Test
	void nestedStructuresAndArraysArriveWhole() throws Exception {
		Everything sent = new Everything();
		sent.inner.one = 1;
		sent.inner.two = Integer.MIN_VALUE;
		for (int i = 0; i < sent.more.length; i++) {
			sent.more[i] = new Padded();
			sent.more[i].two = 10 + i;
		}
		sent.numbers = new long[] { Long.MIN_VALUE, 0, Long.MAX_VALUE };
		sent.wide.setValue(-5);
		sent.small = -6;
		sent.big = Math.PI;
		sent.ratio = Float.MIN_VALUE;
		sent.letter = 'ß';
		sent.flag = true;
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(sent);
			Everything received = new Everything();
			pair.child().receive(received);
			assertThat(received.dataEquals(sent)).isTrue();
			assertThat(received.inner.two).isEqualTo(Integer.MIN_VALUE);
			assertThat(received.more).extracting((each) -> each.two).containsExactly(10, 11);
			assertThat(received.numbers).containsExactly(Long.MIN_VALUE, 0, Long.MAX_VALUE);
			assertThat(received.wide.longValue()).isEqualTo(-5);
			assertThat(received.small).isEqualTo((short) -6);
			assertThat(received.big).isEqualTo(Math.PI);
			assertThat(received.ratio).isEqualTo(Float.MIN_VALUE);
			assertThat(received.letter).isEqualTo('ß');
			assertThat(received.flag).isTrue();
		}
	}

	@Test
	void unionArrivesInEveryReading() throws Exception {
		Tagged sent = new Tagged();
		sent.kind = 2;
		sent.value.setType("both");
		sent.value.both = filled(new Padded());
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(sent);
			Tagged received = new Tagged();
			received.value.setType("both");
			pair.child().receive(received);
			assertThat(received.kind).isEqualTo(2);
			assertThat(received.value.both.two).isEqualTo(0xDEADBEEF);
			assertThat(received.value.whole >> 32).isEqualTo(0xDEADBEEF);
		}
	}

	@Test
	void structureIsSentWithTheValuesOfNowEachTime() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			Padded structure = new Padded();
			Padded received = new Padded();
			for (int i = 0; i < 3; i++) {
				structure.two = i;
				pair.parent().send(structure);
				pair.child().receive(received);
				assertThat(received.two).isEqualTo(i);
			}
		}
	}

	@Test
	void descriptorsTravelWithAStructure() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("along")) {
			pair.parent().send(filled(new Padded()), file, file);
			Padded received = new Padded();
			try (Packet packet = pair.child().receive(received)) {
				assertThat(received.two).isEqualTo(0xDEADBEEF);
				assertThat(packet.length()).isEqualTo(8);
				assertThat(packet.descriptors()).hasSize(2);
				assertThat(Samples.content(packet.descriptors().get(1))).isEqualTo("along");
			}
		}
	}

	/** Neither a short nor a long packet may leak its descriptors. */
	@ParameterizedTest
	@ValueSource(ints = { 1, 7, 9, 16, 100_000 })
	void packetOfAnotherSizeIsAnErrorWithBothSizesAndTheStructureKeepsItsValues(int size) throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("along")) {
			LeakWatch watch = new LeakWatch();
			pair.parent().send(ByteBuffer.allocate(size), file, file);
			pair.parent().send(Samples.bytes("the next"));
			Padded structure = filled(new Padded());
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.child().receive(structure))
				.withMessageContaining("a packet of " + size + " bytes")
				.withMessageMatching(".*(does not fit a Padded of|does not fit into) 8\\b.*");
			assertThat(structure.one).isEqualTo((byte) -65);
			assertThat(structure.two).isEqualTo(0xDEADBEEF);
			watch.assertNoneLeft();
			assertThat(Samples.receiveText(pair.child())).isEqualTo("the next");
		}
	}

	@Test
	void emptyPacketWithADescriptorIsNoStructure() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("x")) {
			LeakWatch watch = new LeakWatch();
			RawSender.send(pair.parent(), new byte[0], file);
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> pair.child().receive(new Padded()))
				.withMessageContaining("0 bytes");
			watch.assertNoneLeft();
		}
	}

	@Test
	void endOfTheStreamIsNoStructure() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			pair.parent().send(filled(new Padded()));
			pair.parent().close();
			Padded structure = new Padded();
			assertThat(pair.child().receive(structure)).isNotNull();
			assertThat(pair.child().receive(structure)).isNull();
			assertThat(structure.two).isEqualTo(0xDEADBEEF);
		}
	}

	@Structure.FieldOrder({ "before", "address" })
	public static class WithPointer extends Structure {

		public int before;

		public Pointer address;

	}

	@Structure.FieldOrder("text")
	public static class WithString extends Structure {

		public String text;

	}

	@Structure.FieldOrder("wide")
	public static class WithWideString extends Structure {

		public WString wide;

	}

	@Structure.FieldOrder("texts")
	public static class WithStrings extends Structure {

		public String[] texts = new String[2];

	}

	@Structure.FieldOrder("other")
	public static class WithReference extends Structure {

		public ByReference other;

		public static class ByReference extends Padded implements Structure.ByReference {

		}

	}

	@Structure.FieldOrder("others")
	public static class WithReferences extends Structure {

		public WithReference.ByReference[] others = new WithReference.ByReference[2];

	}

	@Structure.FieldOrder("block")
	public static class WithBuffer extends Structure {

		public Buffer block;

	}

	@Structure.FieldOrder("hook")
	public static class WithCallback extends Structure {

		public Hook hook;

		public interface Hook extends Callback {

			void call();

		}

	}

	@Structure.FieldOrder("inner")
	public static class WithPointerInside extends Structure {

		public WithPointer inner;

	}

	@Structure.FieldOrder("elements")
	public static class WithPointersInside extends Structure {

		public WithPointer[] elements = new WithPointer[1];

	}

	public static class InheritsPointer extends WithPointer {

	}

	static List<Arguments> addresses() {
		return List.of(arguments("address", new WithPointer()), arguments("text", new WithString()),
				arguments("wide", new WithWideString()), arguments("texts", new WithStrings()),
				arguments("other", new WithReference()), arguments("others", new WithReferences()),
				arguments("block", new WithBuffer()), arguments("hook", new WithCallback()),
				arguments("address", new WithPointerInside()), arguments("address", new WithPointersInside()),
				arguments("address", new InheritsPointer()));
	}

	@ParameterizedTest(name = "{index}: {0}")
	@MethodSource("addresses")
	void structureWithAnAddressIsRefusedBothWaysWithTheNameOfTheField(String field, Structure structure)
			throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (int i = 0; i < 2; i++) { // the first time, and when the class is known
				assertThatIllegalArgumentException().isThrownBy(() -> pair.parent().send(structure))
					.withMessageContaining("Field " + field + " of ");
			}
			pair.parent().send(Samples.bytes("still there"));
			assertThatIllegalArgumentException().isThrownBy(() -> pair.child().receive(structure))
				.withMessageContaining("Field " + field + " of ");
			assertThat(Samples.receiveText(pair.child())).isEqualTo("still there");
		}
	}

	private static <S extends Padded> S filled(S structure) {
		structure.one = -65;
		structure.two = 0xDEADBEEF;
		return structure;
	}

	private static ByteBuffer received(IpcSocket socket) throws IpcException {
		ByteBuffer buffer = ByteBuffer.allocate(100).order(ByteOrder.nativeOrder());
		socket.receive(buffer);
		return buffer.flip();
	}

}
