package dev.tinyipc;

import java.nio.channels.FileChannel;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.StandardWatchEventKinds;
import java.nio.file.WatchService;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.JavaProbe.Attempt;
import dev.tinyipc.JavaProbe.Target;

/** Files, by what the JDK has for them. */
final class JavaFileWays {

	private final Target target;

	private JavaFileWays(Target target) {
		this.target = target;
	}

	static void addTo(Map<String, Attempt> ways, Target target) {
		JavaFileWays own = new JavaFileWays(target);
		own.addPaths(ways);
		own.addProc(ways);
		own.addDescriptors(ways);
	}

	private void addPaths(Map<String, Attempt> ways) {
		Path secret = outside("secret");
		Path victim = outside("victim");
		ways.put("open-read", () -> read(secret));
		ways.put("open-write", () -> open(victim, StandardOpenOption.WRITE));
		ways.put("open-append", () -> open(victim, StandardOpenOption.APPEND));
		ways.put("create", () -> open(outside("created"), StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW));
		ways.put("proc-self-root", () -> read(Path.of("/proc/self/root" + secret)));
		ways.put("list-folder", () -> list(Path.of(this.target.outside())));
		ways.put("etc-passwd", () -> read(Path.of("/etc/passwd")));
		ways.put("hard-link", () -> Files.createLink(outside("link"), secret));
		ways.put("hard-link-to-granted", () -> read(Files.createLink(granted("link"), secret)));
		ways.put("symbolic-link", () -> Files.createSymbolicLink(outside("symlink"), Path.of("secret")));
		ways.put("symbolic-link-from-granted", () -> read(Files.createSymbolicLink(granted("symlink"), secret)));
		ways.put("rename", () -> rename(outside("renamed-from"), outside("renamed-to")));
		ways.put("rename-to-granted", () -> rename(outside("moved-in"), granted("moved-in")));
		ways.put("rename-from-granted", () -> rename(granted("moved-out"), outside("moved-out")));
		ways.put("mkdir", () -> Files.createDirectory(outside("new-folder")));
		ways.put("rmdir", () -> Files.delete(outside("empty")));
		ways.put("unlink", () -> Files.delete(outside("removed")));
		ways.put("chmod", () -> Files.setPosixFilePermissions(victim, PosixFilePermissions.fromString("rw-r--r--")));
		ways.put("chown", () -> Files.setOwner(victim, Files.getOwner(victim)));
		ways.put("utimensat", () -> Files.setLastModifiedTime(victim, FileTime.from(Instant.now())));
		ways.put("setxattr", () -> Files.setAttribute(victim, "user:probe", new byte[] { 1 }));
		ways.put("inotify", this::watch);
		ways.put("stat", () -> Files.size(secret));
		ways.put("readlink", () -> Files.readSymbolicLink(outside("pointer")));
		ways.put("write-granted", () -> open(granted("made"), StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW));
		ways.put("dev-null", () -> open(Path.of("/dev/null"), StandardOpenOption.WRITE));
		ways.put("dev-urandom", () -> open(Path.of("/dev/urandom"), StandardOpenOption.READ));
		ways.put("dev-ptmx", () -> open(Path.of("/dev/ptmx"), StandardOpenOption.READ));
	}

	private void addProc(Map<String, Attempt> ways) {
		for (String file : new String[] { "environ", "maps", "cmdline", "status" }) {
			ways.put("parent-" + file, () -> read(proc(this.target.parent(), file)));
		}
		ways.put("parent-mem", () -> open(proc(this.target.parent(), "mem"), StandardOpenOption.READ));
		ways.put("parent-fd", () -> list(proc(this.target.parent(), "fd")));
		ways.put("parent-fd-readlink", () -> Files.readSymbolicLink(proc(this.target.parent(), "fd/0")));
		ways.put("parent-cwd", () -> list(proc(this.target.parent(), "cwd/.")));
		ways.put("parent-root", () -> read(proc(this.target.parent(), "root" + outside("secret"))));
		ways.put("parent-task", () -> list(proc(this.target.parent(), "task")));
		ways.put("sibling-environ", () -> read(proc(this.target.sibling(), "environ")));
		ways.put("guard-environ", () -> read(proc(this.target.guard(), "environ")));
		ways.put("init-cmdline", () -> read(proc(1, "cmdline")));
		ways.put("proc-list", () -> list(Path.of("/proc")));
		ways.put("proc-net", () -> read(Path.of("/proc/self/net/tcp")));
		ways.put("proc-cpuinfo", () -> open(Path.of("/proc/cpuinfo"), StandardOpenOption.READ));
		ways.put("core_pattern", () -> open(Path.of("/proc/sys/kernel/core_pattern"), StandardOpenOption.WRITE));
		ways.put("sys-net", () -> list(Path.of("/sys/class/net")));
	}

	private void addDescriptors(Map<String, Attempt> ways) {
		ways.put("passed-reopen-read", () -> open(Samples.path(this.target.passed(0)), StandardOpenOption.READ));
		ways.put("passed-reopen-write", () -> open(Samples.path(this.target.passed(0)), StandardOpenOption.WRITE));
		ways.put("passed-memory-reopen-write",
				() -> open(Samples.path(this.target.passed(1)), StandardOpenOption.WRITE));
	}

	private Path outside(String name) {
		return Path.of(this.target.outside(), name);
	}

	private Path granted(String name) {
		return Path.of(this.target.writable(), name);
	}

	private static Path proc(int process, String name) {
		return Path.of("/proc/" + process + '/' + name);
	}

	private static void read(Path file) throws Exception {
		Files.readAllBytes(file);
	}

	private static void open(Path file, OpenOption... options) throws Exception {
		FileChannel.open(file, options).close();
	}

	private static void list(Path folder) throws Exception {
		try (Stream<Path> files = Files.list(folder)) {
			files.findFirst().orElseThrow();
		}
	}

	private static void rename(Path from, Path to) throws Exception {
		Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
	}

	private void watch() throws Exception {
		try (WatchService watch = FileSystems.getDefault().newWatchService()) {
			Path.of(this.target.outside()).register(watch, StandardWatchEventKinds.ENTRY_CREATE);
		}
	}

}
