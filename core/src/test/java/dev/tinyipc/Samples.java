package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

import static org.assertj.core.api.Assertions.assertThat;

/** Content to send, and what the kernel says of descriptors, past the code under test. */
final class Samples {

	private Samples() {
	}

	static ByteBuffer bytes(String text) {
		return ByteBuffer.wrap(text.getBytes(StandardCharsets.UTF_8));
	}

	static byte[] random(int size) {
		byte[] bytes = new byte[size];
		new Random(size).nextBytes(bytes);
		return bytes;
	}

	/** A whole message as it is on the wire. */
	static byte[] frame(byte[] body) {
		return ByteBuffer.allocate(Frame.HEADER_SIZE + body.length)
			.order(ByteOrder.nativeOrder())
			.putLong(body.length)
			.put(body)
			.array();
	}

	/** AssertJ would print both. */
	static void assertSame(byte[] actual, byte[] expected) {
		assertThat(actual.length).isEqualTo(expected.length);
		assertThat(Arrays.mismatch(actual, expected)).as("first byte that differs").isEqualTo(-1);
	}

	/** What was received into a buffer. */
	static String text(ByteBuffer received) {
		return new String(received.array(), received.arrayOffset(), received.position(), StandardCharsets.UTF_8);
	}

	static String receiveText(IpcSocket socket) throws IpcException {
		ByteBuffer buffer = ByteBuffer.allocate(1024);
		try (Packet packet = socket.receive(buffer)) {
			assertThat(packet).isNotNull();
			assertThat(packet.length()).isEqualTo(buffer.position());
		}
		return text(buffer);
	}

	static OwnedFd memoryFile(String content) throws IOException {
		OwnedFd descriptor = SharedMemory.create("sample").descriptor();
		Files.writeString(path(descriptor), content);
		return descriptor;
	}

	static OwnedFd[] memoryFiles(int count) throws IOException {
		OwnedFd[] descriptors = new OwnedFd[count];
		for (int i = 0; i < count; i++) {
			descriptors[i] = memoryFile("file " + i);
		}
		return descriptors;
	}

	static void close(OwnedFd... descriptors) {
		OwnedFd.closeAll(Arrays.asList(descriptors));
	}

	/** The file that a descriptor is open on, as the kernel shows it. */
	static Path path(OwnedFd descriptor) {
		return path(descriptor.fd());
	}

	static Path path(int number) {
		return Path.of("/proc/self/fd", Integer.toString(number));
	}

	static String content(OwnedFd descriptor) throws IOException {
		return Files.readString(path(descriptor));
	}

	/** Whether the number is open, and what it is open on. */
	static String target(int number) throws IOException {
		return Files.isSymbolicLink(path(number)) ? Files.readSymbolicLink(path(number)).toString() : "nothing";
	}

	/** The flags of {@code open(2)} and {@code FD_CLOEXEC}, from the kernel. */
	static int flags(int number) throws IOException {
		return Files.readAllLines(Path.of("/proc/self/fdinfo", Integer.toString(number)))
			.stream()
			.filter((line) -> line.startsWith("flags:"))
			.mapToInt((line) -> Integer.parseInt(line.substring(6).trim(), 8))
			.findFirst()
			.orElseThrow();
	}

	static boolean isCloseOnExec(int number) throws IOException {
		return (flags(number) & LibC.O_CLOEXEC) != 0;
	}

}
