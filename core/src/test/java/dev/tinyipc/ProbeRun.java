package dev.tinyipc;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.Sandbox.Profile;

/**
 * Starts each probe with each profile, as the user that this JVM runs as, and prints what
 * came of every attempt: profile, language, name of the attempt and outcome, with tabs
 * between.
 */
final class ProbeRun {

	static final List<String> LANGUAGES = List.of("C", "Python", "Java");

	/** In the place of an attempt's name: the outcome is the exit code. */
	static final String END = "end";

	private static final int AF_INET = 2, SOCK_STREAM = 1;

	private static final long TIOCSPTLCK = 0x40045431, TIOCGPTPEER = 0x5441;

	private final Profile profile;

	private final String language;

	private final Path outside;

	private final Path granted;

	private final List<OwnedFd> passed = new ArrayList<>();

	private final List<OwnedFd> kept = new ArrayList<>();

	private ProbeRun(Path folder, Profile profile, String language) throws IOException {
		this.profile = profile;
		this.language = language;
		Path own = folder.resolve(profile + "-" + language);
		this.outside = Files.createDirectories(own.resolve("outside"));
		this.granted = Files.createDirectories(own.resolve("granted"));
	}

	/**
	 * Runs the probes.
	 * @param args a folder with {@code probe}, the program in C, and {@code python}, a
	 * folder with the scripts
	 */
	public static void main(String[] args) throws Exception {
		Path folder = Path.of(args[0]);
		for (Profile profile : Profile.values()) {
			for (String language : LANGUAGES) {
				new ProbeRun(folder, profile, language).run(folder.resolve("probe"), command(folder, language));
			}
		}
	}

	/** Preferably one that others than its owner can run. */
	static String python() {
		String python = "/usr/bin/python3";
		return Files.isExecutable(Path.of(python)) ? python : "python3";
	}

	private static List<String> command(Path folder, String language) {
		return switch (language) {
			case "C" -> List.of(folder.resolve("probe").toString());
			case "Python" -> List.of(python(), folder.resolve("python/probe.py").toString());
			default -> new ChildJvm(JavaProbe.class).command();
		};
	}

	private void run(Path siblingProgram, List<String> command) throws Exception {
		makeFiles();
		try (IpcProcess sibling = new IpcProcessBuilder(siblingProgram.toString(), "serve", this.outside.toString())
			.contained()
			.start()) {
			BufferedReader ready = reader(sibling);
			String[] ports = ready.readLine().split(" ");
			open(sibling, Integer.parseInt(ports[0]));
			List<String> arguments = new ArrayList<>(command);
			arguments.addAll(List.of("try", this.outside.toString(), this.granted.toString(),
					Long.toString(ProcessHandle.current().pid()), Long.toString(sibling.pid()), Long.toString(guard()),
					ports[0], ports[1]));
			probe(arguments);
			sibling.destroyForcibly().waitFor();
		}
		finally {
			OwnedFd.closeAll(this.passed);
			OwnedFd.closeAll(this.kept);
		}
	}

	private void probe(List<String> command) throws Exception {
		Sandbox sandbox = Sandbox.of(this.profile).write(List.of(this.granted));
		try (IpcProcess child = new IpcProcessBuilder(command).sandbox(sandbox)
			.contained()
			.redirectError(ProcessBuilder.Redirect.INHERIT)
			.start()) {
			child.getOutputStream().close();
			child.socket().send(Samples.bytes("x"), this.passed.toArray(new OwnedFd[0]));
			BufferedReader output = reader(child);
			for (String line = output.readLine(); line != null; line = output.readLine()) {
				System.out.println(this.profile + "\t" + this.language + '\t' + line);
			}
			System.out.println(this.profile + "\t" + this.language + '\t' + END + '\t' + child.waitFor());
		}
	}

	private void makeFiles() throws IOException {
		for (String file : List.of("secret", "victim", "renamed-from", "moved-in", "removed", "removed-in-folder",
				"passed", "passed-writable")) {
			Files.writeString(this.outside.resolve(file), "content of " + file);
		}
		for (String file : List.of("moved-out", "exchanged")) {
			Files.writeString(this.granted.resolve(file), "content of " + file);
		}
		Files.createDirectory(this.outside.resolve("folder"));
		Files.createDirectory(this.outside.resolve("empty"));
		Files.createSymbolicLink(this.outside.resolve("pointer"), Path.of("secret"));
		Files.setAttribute(this.outside.resolve("secret"), "user:secret", new byte[] { 1 });
	}

	/** In the order of {@code enum passed} of probe.h. */
	private void open(IpcProcess sibling, int port) throws IOException {
		this.passed.add(OwnedFd.open(this.outside.resolve("passed")));
		this.passed.add(memory(false));
		this.passed.add(memory(true));
		this.passed.add(OwnedFd.open(this.outside));
		this.passed.add(OwnedFd.open(this.outside.resolve("passed-writable"), StandardOpenOption.READ,
				StandardOpenOption.WRITE));
		this.passed.add(connection(port));
		this.passed.add(terminal());
		this.passed.add(OwnedFd.of(sibling.socket().descriptor().duplicateFrom(0)));
	}

	/** A memory file that can only be read at this descriptor. */
	private static OwnedFd memory(boolean sealed) throws IOException {
		try (SharedMemory memory = SharedMemory.create("probe")) {
			memory.outputStream().write("content".getBytes(StandardCharsets.UTF_8));
			if (sealed) {
				memory.seal();
			}
			return OwnedFd.open(Samples.path(memory.descriptor()));
		}
	}

	private static OwnedFd connection(int port) throws IOException {
		OwnedFd socket = OwnedFd.of(Errno.check("socket", (int) RawCall.call(41, 198, AF_INET, SOCK_STREAM, 0)));
		NativeBuffer address = NativeBuffer.zeroed(16);
		address.bytes().putShort(0, (short) AF_INET);
		address.bytes().order(ByteOrder.BIG_ENDIAN).putShort(2, (short) port).putInt(4, 0x7f000001);
		Errno.check("connect", (int) RawCall.call(42, 203, socket.fd(), address.address(), 16));
		return socket;
	}

	/** The end that a program would have as its terminal. */
	private OwnedFd terminal() throws IOException {
		OwnedFd other = OwnedFd.open(Path.of("/dev/ptmx"), StandardOpenOption.READ, StandardOpenOption.WRITE);
		this.kept.add(other);
		NativeBuffer unlock = NativeBuffer.zeroed(Integer.BYTES);
		Errno.check("ioctl(TIOCSPTLCK)", LibC.ioctl(other.fd(), TIOCSPTLCK, unlock.address()));
		return OwnedFd
			.of(Errno.check("ioctl(TIOCGPTPEER)", LibC.ioctl(other.fd(), TIOCGPTPEER, LibC.O_RDWR | LibC.O_CLOEXEC)));
	}

	private static BufferedReader reader(IpcProcess process) {
		return new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
	}

	private static long guard() {
		return ProcessHandle.current()
			.children()
			.filter((process) -> commandLine(process.pid()).contains(OrphanGuard.VARIABLE))
			.mapToLong(ProcessHandle::pid)
			.findFirst()
			.orElseThrow();
	}

	private static String commandLine(long pid) {
		try {
			return Files.readString(Path.of("/proc", Long.toString(pid), "cmdline"), StandardCharsets.ISO_8859_1);
		}
		catch (IOException ex) {
			return ""; // it has ended
		}
	}

}
