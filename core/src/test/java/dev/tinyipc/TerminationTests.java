package dev.tinyipc;

import java.io.InputStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** A service manager sends SIGTERM to a parent and its children at once. */
@Timeout(60)
class TerminationTests {

	/** Says on its output that it is in the handler, and waits there for its input. */
	static final class Slow {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(String.class, (request) -> {
				System.out.println("in the handler");
				System.in.read();
				return request.payload();
			});
		}

	}

	@Test
	void requestInFlightIsAnsweredAndTheEndOfTheSocketEndsTheChild() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder(new ChildJvm(Slow.class).command()).start()) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send("in flight");
			awaitHandler(child.getInputStream());
			for (int i = 0; i < 3; i++) {
				child.destroy();
			}
			child.getOutputStream().write(1);
			child.getOutputStream().flush();
			assertThat(channel.receive(String.class).payload()).isEqualTo("in flight");
			child.socket().close();
			// The JVM may come to one of the signals only now, when it ends the child.
			assertThat(child.waitFor()).isIn(0, 128 + 15);
		}
	}

	@Test
	void childWhoseParentIsGoneEndsEvenInItsHandler() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder(new ChildJvm(Slow.class).command()).start()) {
			IpcChannel.over(child.socket()).send("in flight");
			awaitHandler(child.getInputStream());
			child.socket().close();
			child.destroy();
			assertThat(child.waitFor()).isEqualTo(128 + 15);
		}
	}

	/** Which a signal that is ignored would not be. */
	@Test
	void programsThatTheChildStartsDoNotInheritIt() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder(new ChildJvm(Starting.class).command()).start()) {
			IpcChannel channel = IpcChannel.over(child.socket());
			channel.send("which signals do you ignore?");
			String ignored = channel.receive(String.class).payload();
			assertThat(Long.parseUnsignedLong(ignored, 16) & 1L << (LibC.SIGTERM - 1)).isZero();
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	static final class Starting {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.serve(String.class, (request) -> {
				Process grep = new ProcessBuilder("sh", "-c", "grep SigIgn /proc/self/status").start();
				return new String(grep.getInputStream().readAllBytes()).split("\\s+")[1];
			});
		}

	}

	private static void awaitHandler(InputStream output) throws Exception {
		assertThat(new String(output.readNBytes("in the handler\n".length()))).isEqualTo("in the handler\n");
	}

}
