package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** Native memory is not what a garbage collection looks at. */
@Timeout(60)
class NativeMemoryTests {

	@Test
	void closedSocketsGiveTheirMemoryBackWithoutAGarbageCollection() throws Exception {
		String output = new ChildJvm(OpeningAndClosing.class).option("-XX:+DisableExplicitGC").run();
		assertThat(Long.parseLong(output.trim())).as("KiB").isLessThan(250 * 1024);
	}

	static final class OpeningAndClosing {

		public static void main(String[] args) throws Exception {
			for (int i = 0; i < 500; i++) {
				try (IpcSocketPair pair = IpcSocket.pair()) {
					pair.parent().send(Samples.bytes("x"));
					Samples.receiveText(pair.child());
					pair.parent().sendBatch(Samples.bytes("x"));
					pair.child().receiveBatch(new ByteBuffer[] { ByteBuffer.allocate(1) }, (packet, index) -> {
					});
					IpcChannel.over(pair.parent()).send("x");
					IpcChannel.over(pair.child()).receive(String.class);
				}
			}
			Files.readAllLines(Path.of("/proc/self/status"))
				.stream()
				.filter((line) -> line.startsWith("VmRSS:"))
				.forEach((line) -> System.out.println(line.replaceAll("\\D", "")));
		}

	}

}
