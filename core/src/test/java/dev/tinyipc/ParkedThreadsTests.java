package dev.tinyipc;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;

import static org.assertj.core.api.Assertions.assertThat;

@Timeout(60)
class ParkedThreadsTests {

	@Test
	void aThreadThatCouldNotWaitForLackOfDescriptorsCanLater() throws Exception {
		assertThat(new ChildJvm(Crowded.class).after("ulimit -n 100").run()).isEqualTo("""
				received: warm
				epoll_create1 failed: EMFILE (Too many open files)
				epoll_create1 failed: EMFILE (Too many open files)
				received: x
				""");
	}

	@Test
	@EnabledForJreRange(max = JRE.JAVA_19) // Thread.stop
	void theThreadThatWaitsForAllSurvivesWhateverIsThrown() throws Exception {
		assertThat(new ChildJvm(Stopped.class).run()).contains("ERROR", "ThreadDeath")
			.containsSubsequence("received: 1", "received: 2", "received: 3");
	}

	private static void receive(IpcSocket socket) throws IpcException {
		System.out.println(
				"received: " + IpcChannel.over(socket).receive(Object.class, Deadline.NONE.interruptible()).payload());
	}

	static final class Crowded {

		public static void main(String[] args) throws Exception {
			// Classes are files, too.
			for (String name : List.of("Epoll", "Poll", "Readiness", "ParkedThreads", "ParkedThreads$Waiter")) {
				Class.forName("dev.tinyipc." + name);
			}
			try (IpcSocketPair pair = IpcSocket.pair()) {
				IpcChannel.over(pair.parent()).send("warm");
				receive(pair.child());
				List<OwnedFd> files = takeAll();
				failToReceive(pair.child());
				failToReceive(pair.child());
				files.forEach(OwnedFd::close);
				Blocked receiver = Blocked.in("futex", () -> receive(pair.child()));
				IpcChannel.over(pair.parent()).send("x");
				receiver.join();
			}
			System.exit(0);
		}

		private static List<OwnedFd> takeAll() {
			List<OwnedFd> files = new ArrayList<>();
			while (true) {
				try {
					files.add(OwnedFd.open(Path.of("/dev/null")));
				}
				catch (IpcException ex) {
					return files;
				}
			}
		}

		private static void failToReceive(IpcSocket socket) {
			try {
				receive(socket);
			}
			catch (IpcException ex) {
				System.out.println(ex.getMessage());
			}
		}

	}

	static final class Stopped {

		public static void main(String[] args) throws Exception {
			try (IpcSocketPair pair = IpcSocket.pair()) {
				for (int i = 1; i <= 3; i++) {
					Blocked receiver = Blocked.in("futex", () -> receive(pair.child()));
					stop("tiny-ipc-parked-read");
					IpcChannel.over(pair.parent()).send(i);
					receiver.join();
				}
			}
			System.exit(0);
		}

		private static void stop(String name) throws Exception {
			for (Thread thread : Thread.getAllStackTraces().keySet()) {
				if (thread.getName().equals(name)) {
					Thread.class.getMethod("stop").invoke(thread);
				}
			}
		}

	}

}
