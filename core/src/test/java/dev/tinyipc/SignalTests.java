package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/** EINTR, which a JVM that is stopped and continued gets from a call with a timeout. */
@Timeout(120)
class SignalTests {

	/**
	 * If the timeout started again after each signal, it would outlast them all.
	 */
	@ParameterizedTest
	@ValueSource(strings = { "receive", "send" })
	void timeoutKeepsItsDeadlineHoweverOftenItIsInterrupted(String direction) throws Exception {
		Process child = new ChildJvm(Waiting.class, direction, "2000").start();
		try {
			awaitCall(child, direction.equals("receive") ? "47|212|7|73" : "44|206|7|73");
			int signals = 0;
			while (child.isAlive() && signals < 300) {
				stopAndContinue(child);
				signals++;
				child.waitFor(50, TimeUnit.MILLISECONDS);
			}
			assertThat(signals).as("signals during the call").isBetween(3, 299);
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("timed out\n");
		}
		finally {
			child.destroyForcibly().waitFor();
		}
	}

	@Test
	void callWithoutATimeoutIsNotDisturbed() throws Exception {
		Process child = new ChildJvm(Waiting.class, "until told", "600000").start();
		try {
			awaitCall(child, "47|212|7|73");
			stopAndContinue(child);
			stopAndContinue(child);
			child.getOutputStream().write('\n');
			child.getOutputStream().flush();
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("received\n");
		}
		finally {
			child.destroyForcibly().waitFor();
		}
	}

	private static void awaitCall(Process child, String number) {
		await().atMost(Duration.ofSeconds(30)).until(() -> {
			try (Stream<Path> threads = Files.list(Path.of("/proc/" + child.pid() + "/task"))) {
				return threads.anyMatch((thread) -> isIn(thread, number));
			}
		});
	}

	private static boolean isIn(Path thread, String number) {
		try {
			return Files.readString(thread.resolve("syscall")).matches("(?s)(" + number + ") .*");
		}
		catch (IOException ex) {
			return false;
		}
	}

	private static void stopAndContinue(Process child) throws Exception {
		String pid = Long.toString(child.pid());
		new ProcessBuilder("sh", "-c", "kill -STOP " + pid + "; kill -CONT " + pid).redirectErrorStream(true)
			.start()
			.waitFor();
	}

	static final class Waiting {

		public static void main(String[] args) throws Exception {
			IpcSocketPair pair = IpcSocket.pair();
			IpcSocket socket = pair.parent();
			Duration timeout = Duration.ofMillis(Long.parseLong(args[1]));
			try {
				switch (args[0]) {
					case "receive" -> {
						socket.setReceiveTimeout(timeout);
						socket.receive(ByteBuffer.allocate(1));
					}
					case "send" -> {
						SocketTimeoutTests.fill(socket);
						socket.setSendTimeout(timeout);
						socket.send(ByteBuffer.allocate(1));
					}
					default -> {
						Thread teller = new Thread(() -> tell(pair.child()));
						teller.start();
						socket.receive(ByteBuffer.allocate(1)).close();
						System.out.println("received");
					}
				}
			}
			catch (IpcException.Timeout ex) {
				System.out.println("timed out");
			}
		}

		private static void tell(IpcSocket socket) {
			try {
				System.in.read();
				socket.send(ByteBuffer.allocate(1));
			}
			catch (IOException ex) {
				throw new AssertionError(ex);
			}
		}

	}

}
