package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.UserDefinedFileAttributeView;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Groups in the part of the tree of control groups ({@code cgroups(7)}, version 2) that
 * was delegated to this application: by systemd ({@code Delegate=yes}), by a container
 * that may write to its own groups, or to this user. Without that, there are none.
 * <p>
 * A group that distributes resources has no processes itself. The groups of children are
 * therefore made beside that of this application if the one above has no processes
 * ({@code DelegateSubgroup=}). Otherwise, if all processes in this application's own
 * group belong to it, they move into one below, {@code tiny-ipc}, first.
 */
final class ControlGroupTree implements ControlGroup.Factory {

	private static final Logger logger = LoggerFactory.getLogger(ControlGroupTree.class);

	/** Of the only hierarchy of version 2, in {@code /proc/self/cgroup}. */
	private static final String VERSION_2 = "0::";

	private static final Set<String> CONTROLLERS = Set.of("memory", "pids");

	private static final String PROCESSES = "cgroup.procs";

	private static final String DISTRIBUTED = "cgroup.subtree_control";

	private static final Duration BETWEEN_ATTEMPTS = Duration.ofMillis(100);

	private static final int MAX_ATTEMPTS = 50;

	private final Path self;

	private final Path mount;

	private final ChildSupervisor supervisor;

	/** Where groups are made; null if they are not. */
	private @Nullable Path parent;

	private boolean searched;

	/**
	 * Uses a tree, once there is need for it.
	 * @param self {@code /proc/self}
	 * @param mount {@code /sys/fs/cgroup}
	 */
	ControlGroupTree(Path self, Path mount, ChildSupervisor supervisor) {
		this.self = self;
		this.mount = mount;
		this.supervisor = supervisor;
	}

	@Override
	public ControlGroup put(long pid, @Nullable Long memory, @Nullable Long processes) {
		Path above = (memory != null || processes != null) ? parent() : null;
		return (above != null) ? put(pid, above, memory, processes) : ControlGroup.NONE;
	}

	/** Makes a group in another. */
	ControlGroup put(long pid, Path above, @Nullable Long memory, @Nullable Long processes) {
		Group group = new Group(above.resolve("tiny-ipc-" + pid));
		try {
			group.create();
			group.limit("memory.max", memory);
			group.limit("memory.swap.max", (memory != null) ? 0L : null);
			// All of it is killed, or nothing.
			group.limit("memory.oom.group", (memory != null) ? 1L : null);
			group.limit("pids.max", processes);
			write(group.path.resolve(PROCESSES), Long.toString(pid));
			return group;
		}
		catch (IOException ex) {
			if (ProcessHandle.of(pid).filter(ProcessHandle::isAlive).isPresent()) {
				logger.warn("Process {} has no control group of its own, and is limited by itself only: {}", pid,
						ex.toString());
			}
			group.remove();
			return ControlGroup.NONE;
		}
	}

	private synchronized @Nullable Path parent() {
		if (!this.searched) {
			this.searched = true;
			try {
				this.parent = find();
			}
			catch (IOException ex) {
				logger.info("Children with limits have no control groups: {}", ex.toString());
			}
			if (this.parent != null) {
				logger.info("Children with limits have control groups in {}", this.parent);
			}
		}
		return this.parent;
	}

	private @Nullable Path find() throws IOException {
		Path own = own();
		if (own == null || !Files.exists(own.resolve("cgroup.controllers"))) {
			return null;
		}
		Path above = own.getParent();
		if (!own.equals(this.mount) && isDelegated(above) && processes(above).isEmpty()) {
			return distributes(above) ? above : null;
		}
		if (isDelegated(own) && processes(own).stream().allMatch(ControlGroupTree::isOurs)) {
			moveBelow(own);
			return distributes(own) ? own : null;
		}
		return null;
	}

	/** The group of this application. */
	private @Nullable Path own() throws IOException {
		try (Stream<String> lines = Files.lines(this.self.resolve("cgroup"))) {
			return lines.filter((line) -> line.startsWith(VERSION_2 + "/"))
				.map((line) -> this.mount.resolve(line.substring(VERSION_2.length() + 1)).normalize())
				.findFirst()
				.filter((path) -> path.startsWith(this.mount))
				.orElse(null);
		}
	}

	/** Root can write to all groups, also to those that are somebody else's to manage. */
	private boolean isDelegated(Path group) throws IOException {
		boolean writable = Stream.of("", PROCESSES, DISTRIBUTED)
			.allMatch((name) -> Files.isWritable(group.resolve(name)));
		boolean root = Files.getAttribute(this.self, "unix:uid", LinkOption.NOFOLLOW_LINKS).equals(0);
		// All groups but that of the whole machine have events.
		boolean container = group.equals(this.mount) && Files.exists(group.resolve("cgroup.events"));
		return writable && (!root || container || isMarked(group));
	}

	/** As systemd marks what it has delegated. */
	private static boolean isMarked(Path group) throws IOException {
		UserDefinedFileAttributeView attributes = Files.getFileAttributeView(group, UserDefinedFileAttributeView.class);
		return attributes != null && attributes.list().contains("delegate");
	}

	private static List<Long> processes(Path group) throws IOException {
		return Files.readAllLines(group.resolve(PROCESSES)).stream().map(Long::valueOf).toList();
	}

	private static boolean isOurs(long pid) {
		ProcessHandle process = ProcessHandle.of(pid).orElse(null);
		while (process != null && !process.equals(ProcessHandle.current())) {
			process = process.parent().orElse(null);
		}
		return process != null;
	}

	private void moveBelow(Path group) throws IOException {
		Group below = new Group(group.resolve("tiny-ipc"));
		below.create();
		for (long pid : processes(group)) {
			write(below.path.resolve(PROCESSES), Long.toString(pid));
		}
	}

	/**
	 * Whether a group distributes the resources that limits are for, made so if need be.
	 */
	private static boolean distributes(Path group) throws IOException {
		Set<String> wanted = words(group.resolve("cgroup.controllers"));
		wanted.retainAll(CONTROLLERS);
		Set<String> missing = new TreeSet<>(wanted);
		missing.removeAll(words(group.resolve(DISTRIBUTED)));
		if (!missing.isEmpty()) {
			write(group.resolve(DISTRIBUTED), "+" + String.join(" +", missing));
		}
		return !wanted.isEmpty();
	}

	private static Set<String> words(Path file) throws IOException {
		return new TreeSet<>(List.of(Files.readString(file).strip().split("\\s+")));
	}

	/** The kernel has made the file, and takes each write as a whole. */
	private static void write(Path file, String value) throws IOException {
		Files.write(file, value.getBytes(StandardCharsets.US_ASCII), StandardOpenOption.WRITE,
				StandardOpenOption.TRUNCATE_EXISTING);
	}

	/** One group. */
	private final class Group implements ControlGroup {

		private final Path path;

		private int attempts;

		/** What the group has told before it was removed. */
		private volatile boolean ranOut;

		Group(Path path) {
			this.path = path;
		}

		void create() throws IOException {
			try {
				Files.createDirectory(this.path);
			}
			catch (FileAlreadyExistsException ex) {
				// Left behind by an application that was killed.
			}
		}

		/** Sets a limit of a resource that the group above distributes. */
		void limit(String name, @Nullable Long value) throws IOException {
			Path file = this.path.resolve(name);
			if (value != null && Files.exists(file)) {
				write(file, Long.toString(value));
			}
		}

		@Override
		public boolean hasRunOut() {
			try (Stream<String> lines = Files.lines(this.path.resolve("memory.events"))) {
				return lines.anyMatch((line) -> line.startsWith("oom_kill ") && !line.equals("oom_kill 0"));
			}
			catch (IOException ex) {
				return this.ranOut; // memory is not distributed, or the group removed
			}
		}

		@Override
		public void remove() {
			this.ranOut = hasRunOut();
			try {
				limit("cgroup.kill", 1L);
				Files.deleteIfExists(this.path);
			}
			catch (IOException ex) {
				if (++this.attempts < MAX_ATTEMPTS) {
					ControlGroupTree.this.supervisor.schedule(BETWEEN_ATTEMPTS, this::remove);
				}
				else {
					logger.warn("The control group {} cannot be removed: {}", this.path, ex.toString());
				}
			}
		}

	}

}
