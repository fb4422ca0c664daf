package dev.tinyipc.benchmark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.BitSet;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

import com.sun.jna.LastErrorException;
import com.sun.jna.Library;
import com.sun.jna.Native;

/**
 * Puts processes on processors, from outside and all of their threads, so that no
 * contender has to know of it. Threads and processes that start later inherit the choice
 * from whoever starts them.
 */
final class Processors {

	private static final int NO_SUCH_PROCESS = 3;

	private static final LibC LIB_C = Native.load("c", LibC.class);

	private final BitSet all;

	private final int parent;

	private final int child;

	private final String description;

	private Processors(BitSet all, int parent, int child, String description) {
		this.all = all;
		this.parent = parent;
		this.child = child;
		this.description = description;
	}

	/** Those that this process may use, of which it chooses two. */
	static Processors available() throws IOException {
		BitSet all = parse(allowed());
		int parent = all.nextSetBit(0);
		int other = all.nextSetBit(parent + 1);
		if (other < 0) {
			return new Processors(all, parent, parent, parent + " for both (there is no other)");
		}
		BitSet apart = (BitSet) all.clone();
		apart.andNot(siblings(parent));
		if (apart.isEmpty()) {
			return new Processors(all, parent, other, parent + " and " + other + ", threads of one core");
		}
		int child = apart.nextSetBit(0);
		return new Processors(all, parent, child, parent + " and " + child);
	}

	/** Which two. */
	String description() {
		return this.description;
	}

	/** Puts a parent and its descendants where the layout wants them. */
	void pin(ProcessHandle process, Layout layout) throws IOException {
		if (!layout.isPinned()) {
			return;
		}
		put(process.pid(), single(this.parent));
		for (ProcessHandle descendant : process.descendants().toList()) {
			put(descendant.pid(), single((layout == Layout.SAME_CORE) ? this.parent : this.child));
		}
	}

	/**
	 * Lets it run anywhere again, with the children that it will have, and the helpers
	 * that it keeps from one work to the next.
	 */
	void release(ProcessHandle process) throws IOException {
		put(process.pid(), this.all);
		for (ProcessHandle descendant : process.descendants().toList()) {
			put(descendant.pid(), this.all);
		}
	}

	private static BitSet single(int processor) {
		BitSet set = new BitSet();
		set.set(processor);
		return set;
	}

	/** Until there is no thread left that was started meanwhile. */
	private static void put(long process, BitSet processors) throws IOException {
		byte[] bytes = processors.toByteArray();
		// The kernel wants whole words.
		byte[] mask = Arrays.copyOf(bytes, (bytes.length + Long.BYTES - 1) / Long.BYTES * Long.BYTES);
		Set<Integer> done = new HashSet<>();
		List<Integer> found;
		do {
			found = threads(process).stream().filter(done::add).toList();
			for (int thread : found) {
				try {
					LIB_C.sched_setaffinity(thread, mask.length, mask);
				}
				catch (LastErrorException ex) {
					if (ex.getErrorCode() != NO_SUCH_PROCESS) {
						throw new IOException("cannot choose the processors of thread " + thread, ex);
					}
				}
			}
		}
		while (!found.isEmpty());
	}

	private static List<Integer> threads(long process) throws IOException {
		try (Stream<Path> threads = Files.list(Path.of("/proc", Long.toString(process), "task"))) {
			return threads.map((thread) -> Integer.valueOf(thread.getFileName().toString())).toList();
		}
		catch (NoSuchFileException | UncheckedIOException ex) {
			return List.of(); // it has just ended
		}
	}

	private static String allowed() throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc/self/status"))) {
			return lines.filter((line) -> line.startsWith("Cpus_allowed_list:"))
				.map((line) -> line.substring(line.indexOf(':') + 1).strip())
				.findFirst()
				.orElseThrow();
		}
	}

	private static BitSet siblings(int processor) throws IOException {
		Path list = Path.of("/sys/devices/system/cpu/cpu" + processor + "/topology/thread_siblings_list");
		return Files.exists(list) ? parse(Files.readString(list).strip()) : single(processor);
	}

	/** Such as {@code 0-3,8}. */
	private static BitSet parse(String list) {
		BitSet set = new BitSet();
		for (String range : list.split(",")) {
			String[] ends = range.split("-");
			set.set(Integer.parseInt(ends[0]), Integer.parseInt(ends[ends.length - 1]) + 1);
		}
		return set;
	}

	private interface LibC extends Library {

		int sched_setaffinity(int thread, long size, byte[] mask) throws LastErrorException;

	}

}
