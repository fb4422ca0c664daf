package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.ServerSocket;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.awaitility.Awaitility.await;

/**
 * Runs around every test class, and fails it if descriptors, maps of our own memory files
 * or children are left over.
 */
public final class LeakCheck implements BeforeAllCallback, AfterAllCallback {

	/** What the JVM opens for itself, when it comes to it. */
	private static final Pattern OF_THE_JVM = Pattern
		.compile(".*\\.(jar|so|jsa|tmp|class|properties|log|exec|lst)( \\(deleted\\))?|.*/lib/modules|/dev/u?random"
				+ "|/proc/.*|/sys/.*|.*/target/.*|.*/surefire.*");

	private static boolean warm;

	private final Deque<Set<String>> before = new ArrayDeque<>();

	@Override
	public void beforeAll(ExtensionContext context) throws Exception {
		warmUp();
		this.before.push(held());
	}

	@Override
	public void afterAll(ExtensionContext context) {
		assertNothingNew(this.before.pop(), Duration.ofSeconds(10));
	}

	static void assertNothingNew(Set<String> before, Duration timeout) {
		await().atMost(timeout)
			.untilAsserted(() -> assertThat(held()).as("descriptors, maps and children that were not there before")
				.isSubsetOf(before));
	}

	/** The descriptors, maps of memory files and children of this process. */
	static Set<String> held() throws IOException {
		Set<String> held = new TreeSet<>();
		Set<String> agents = socketsForAgents();
		try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
			descriptors.forEach((descriptor) -> describe(descriptor, agents, held));
		}
		try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
			maps.filter((map) -> map.contains("/memfd:tiny-ipc")).map((map) -> "map " + map).forEach(held::add);
		}
		try (Stream<Path> processes = Files.list(Path.of("/proc"))) {
			processes.filter((process) -> process.getFileName().toString().matches("\\d+"))
				.forEach((process) -> describeChild(process, held));
		}
		return held;
	}

	/**
	 * A JVM keeps the one over which it is first asked to load an agent, as by Jazzer.
	 */
	private static Set<String> socketsForAgents() throws IOException {
		try (Stream<String> sockets = Files.lines(Path.of("/proc/net/unix"))) {
			return sockets.filter((socket) -> socket.contains("/.java_pid"))
				.map((socket) -> "socket:[" + socket.split(" +")[6] + ']')
				.collect(Collectors.toSet());
		}
	}

	private static void describe(Path descriptor, Set<String> agents, Set<String> held) {
		try {
			String target = Files.readSymbolicLink(descriptor).toString();
			if (!OF_THE_JVM.matcher(target).matches() && !agents.contains(target)) {
				held.add("descriptor " + descriptor.getFileName() + " of " + target);
			}
		}
		catch (NoSuchFileException ex) {
			// closed meanwhile, such as the one that lists the folder
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	private static void describeChild(Path process, Set<String> held) {
		try {
			String status = Files.readString(process.resolve("stat"));
			// The name is in brackets, and may hold any character.
			String[] fields = status.substring(status.lastIndexOf(')') + 2).split(" ");
			if (fields[1].equals(Long.toString(ProcessHandle.current().pid()))) {
				held.add("child " + status.substring(0, status.lastIndexOf(')') + 1)
						+ (fields[0].equals("Z") ? ", a zombie" : ""));
			}
		}
		catch (IOException ex) {
			// ended meanwhile
		}
	}

	/** What is opened once, and stays. */
	private static synchronized void warmUp() throws Exception {
		if (warm) {
			return;
		}
		warm = true;
		try (IpcProcess child = new IpcProcessBuilder("true").contained().start();
				IpcSocketPair pair = IpcSocket.pair()) {
			child.waitFor();
			IpcChannel.over(pair.parent()).send("warm");
			pair.child().receive(ByteBuffer.allocate(100));
		}
		ParkedThreads.reading().started();
		ParkedThreads.writing().started();
		new ProcessBuilder("true").start().waitFor();
		// The JDK keeps half a socket pair, which it creates with its first file or
		// socket.
		FileChannel.open(Path.of("/dev/null")).close();
		new ServerSocket(0).close();
	}

}
