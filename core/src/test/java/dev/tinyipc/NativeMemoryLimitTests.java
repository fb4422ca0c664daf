package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;

/** A process that gets no more native memory (RLIMIT_DATA). */
@Timeout(60)
class NativeMemoryLimitTests {

	@Test
	void aCallThatGotNoMemoryLeavesTheNextOneWhatItNeeds() throws Exception {
		assertThat(run(Receiving.class)).isEqualTo("""
				out of memory
				received
				memory of others untouched: true
				""");
	}

	@ParameterizedTest
	@ValueSource(strings = { "buffer", "buffers", "batch" })
	void whatIsTooLargeForAPacketIsNotCopiedBeforeItIsRefused(String how) throws Exception {
		assertThat(run(Sending.class, how)).isEqualTo("too large\n");
	}

	private static String run(Class<?> main, String... arguments) throws Exception {
		return new ChildJvm(main, arguments).option("-Xms400m").option("-Xmx400m").run();
	}

	/** Some is left, for the JVM itself. */
	private static void limitMemory() throws Exception {
		String used = Files.readAllLines(Path.of("/proc/self/status"))
			.stream()
			.filter((line) -> line.startsWith("VmData:"))
			.findFirst()
			.orElseThrow()
			.replaceAll("\\D", "");
		long limit = (Long.parseLong(used) + 100 * 1024) * 1024;
		new ProcessBuilder("prlimit", "--pid", Long.toString(ProcessHandle.current().pid()), "--data=" + limit)
			.inheritIO()
			.start()
			.waitFor();
	}

	static final class Receiving {

		public static void main(String[] args) throws Exception {
			try (IpcSocketPair pair = IpcSocket.pair()) {
				ByteBuffer huge = ByteBuffer.allocate(200 * 1024 * 1024);
				byte[] content = Samples.random(8000);
				List<NativeBuffer> others = new ArrayList<>();
				limitMemory();
				try {
					pair.child().tryReceive(huge);
				}
				catch (OutOfMemoryError ex) {
					System.out.println("out of memory");
				}
				for (int i = 0; i < 100; i++) {
					others.add(NativeBuffer.zeroed(8 * 1024));
				}
				pair.parent().send(ByteBuffer.wrap(content));
				ByteBuffer received = ByteBuffer.allocate(8000);
				pair.child().receive(received);
				System.out.println(received.flip().equals(ByteBuffer.wrap(content)) ? "received" : "garbled");
				System.out.println("memory of others untouched: " + others.stream().allMatch(Receiving::isZero));
			}
		}

		private static boolean isZero(NativeBuffer buffer) {
			return buffer.bytes().equals(ByteBuffer.allocate(buffer.capacity()));
		}

	}

	static final class Sending {

		public static void main(String[] args) throws Exception {
			try (IpcSocketPair pair = IpcSocket.pair()) {
				ByteBuffer huge = ByteBuffer.allocate(200 * 1024 * 1024);
				limitMemory();
				switch (args[0]) {
					case "buffer" -> pair.parent().send(huge);
					case "buffers" -> pair.parent().send(new ByteBuffer[] { Samples.bytes("x"), huge });
					default -> pair.parent().sendBatch(huge, Samples.bytes("x"));
				}
			}
			catch (IpcException.MessageTooLarge ex) {
				System.out.println("too large");
			}
		}

	}

}
