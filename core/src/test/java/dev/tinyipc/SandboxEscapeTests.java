package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeSet;
import java.util.stream.Stream;

import dev.tinyipc.Attempts.Probe;
import dev.tinyipc.Sandbox.Profile;
import dev.tinyipc.WaysOut.Way;
import dev.tinyipc.WaysOut.With;
import dev.tinyipc.WaysOut.Without;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/**
 * Probes in C, Python and Java try every way out of a sandbox, as root and as nobody. A
 * refusal counts only if the same attempt works without a profile.
 */
@Timeout(600)
class SandboxEscapeTests {

	private static final Path TABLE = Path.of("../docs/security-table.md");

	/** Since this version, Landlock covers signals. */
	private static final int COMPLETE_ABI = 6;

	private static final boolean ROOT = System.getProperty("user.name").equals("root");

	private static final List<String> USERS = ROOT ? List.of("root", "nobody") : List.of("nobody");

	private static final Attempts attempts = new Attempts();

	private static WaysOut ways;

	private static String said = "";

	@BeforeAll
	static void probe(@TempDir Path folder) throws Exception {
		require("gcc", ProbeRun.python());
		ways = new WaysOut();
		Path program = compile(folder);
		for (String user : USERS) {
			Path own = Files.createDirectory(folder.resolve(user));
			Files.copy(program, own.resolve("probe"));
			copyScripts(own.resolve("python"));
			ChildJvm jvm = new ChildJvm(ProbeRun.class, own.toString())
				.with((builder) -> builder.environment().put("PROBE_SECRET", "a password"));
			if (user.equals("nobody")) {
				jvm.asNobody(folder);
				// For an attempt to become root by it.
				Files.copy(program, own.resolve("set-user-id"));
				Files.setAttribute(own.resolve("set-user-id"), "unix:mode", 04755);
				Files.setPosixFilePermissions(own, PosixFilePermissions.fromString("rwxrwxrwx"));
			}
			String printed = jvm.run();
			attempts.add(user, printed);
			said += printed;
		}
	}

	private static void require(String... programs) {
		for (String program : programs) {
			require(Stream.of(System.getenv("PATH").split(File.pathSeparator))
				.anyMatch((folder) -> Path.of(folder).resolve(program).toFile().canExecute()),
					"there is no " + program);
		}
		require(Landlock.abi() >= COMPLETE_ABI, "this kernel enforces less than " + WaysOut.FOLDER + " expects");
	}

	private static void require(boolean isThere, String reason) {
		String message = "Nobody tries to escape: " + reason;
		if (!isThere) {
			assertThat(System.getenv("TINY_IPC_REQUIRE_ALL")).as(message).isNotEqualTo("true");
		}
		assumeTrue(isThere, message);
	}

	private static Path compile(Path folder) throws Exception {
		Path program = folder.resolve("probe");
		List<String> command = new ArrayList<>(List.of("gcc", "-std=gnu17", "-O1", "-Wall", "-Wextra", "-Werror",
				"-pthread", "-o", program.toString()));
		try (Stream<Path> sources = Files.list(WaysOut.FOLDER.resolve("c"))) {
			sources.map(Path::toString).filter((file) -> file.endsWith(".c")).sorted().forEach(command::add);
		}
		Process compiler = new ProcessBuilder(command).redirectErrorStream(true).start();
		String output = new String(compiler.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
		assertThat(compiler.waitFor()).as(output).isZero();
		return program;
	}

	private static void copyScripts(Path target) throws IOException {
		Files.createDirectory(target);
		try (Stream<Path> scripts = Files.list(WaysOut.FOLDER.resolve("python"))) {
			for (Path script : scripts.filter(Files::isRegularFile).toList()) {
				Files.copy(script, target.resolve(script.getFileName()));
			}
		}
	}

	static Stream<Probe> probes() {
		return USERS.stream()
			.flatMap((user) -> ProbeRun.LANGUAGES.stream()
				.flatMap((language) -> Stream.of(Profile.values())
					.map((profile) -> new Probe(user, language, profile))));
	}

	static Stream<Probe> restrictedProbes() {
		return probes().filter((probe) -> probe.profile() != Profile.NONE);
	}

	static Stream<Probe> freeProbes() {
		return probes().filter((probe) -> probe.profile() == Profile.NONE);
	}

	@ParameterizedTest
	@MethodSource("probes")
	void everyProbeMakesAllOfItsAttempts(Probe probe) {
		assertThat(attempts.end(probe)).as(said).isEqualTo("0");
		assertThat(attempts.of(probe)).hasSizeGreaterThan(40)
			.isEqualTo(attempts.of(new Probe(USERS.get(0), probe.language(), Profile.NONE)));
	}

	@Test
	void everyWayOutIsTried() {
		TreeSet<String> tried = new TreeSet<>();
		probes().forEach((probe) -> tried.addAll(attempts.of(probe)));
		assertThat(tried).containsExactlyInAnyOrderElementsOf(ways.all().stream().map(Way::name).toList());
	}

	/** Otherwise a refusal would prove nothing. */
	@ParameterizedTest
	@MethodSource("freeProbes")
	void withoutAProfileEveryAttemptWorks(Probe probe) {
		List<String> unexpected = new ArrayList<>();
		for (String name : attempts.of(probe)) {
			Way way = ways.named(name);
			boolean worked = attempts.worked(probe, name);
			if (worked ? way.without() == Without.NEVER : way.without().mustWork(probe.user())) {
				unexpected.add(name + (worked ? " works" : " is refused: " + attempts.reason(probe, name)));
			}
		}
		assertThat(unexpected).isEmpty();
	}

	@ParameterizedTest
	@MethodSource("restrictedProbes")
	void withAProfileOnlyWhatItAllowsWorks(Probe probe) {
		List<String> unexpected = new ArrayList<>();
		for (String name : attempts.of(probe)) {
			boolean possible = attempts.worked(probe.with(Profile.NONE), name);
			With expected = possible ? ways.named(name).with(probe.profile()) : With.REFUSED;
			boolean worked = attempts.worked(probe, name);
			if (worked ? expected == With.REFUSED : expected == With.WORKS) {
				unexpected.add(name + (worked ? " works" : " is refused: " + attempts.reason(probe, name)));
			}
		}
		assertThat(unexpected).isEmpty();
	}

	/** Refused by the profile, and not by the machine. */
	@ParameterizedTest
	@MethodSource("restrictedProbes")
	void mostAttemptsAreRefusedByTheProfile(Probe probe) {
		assertThat(attempts.of(probe)).filteredOn((name) -> attempts.worked(probe.with(Profile.NONE), name))
			.filteredOn((name) -> !attempts.worked(probe, name))
			.hasSizeGreaterThan((probe.profile() == Profile.LOCKED_DOWN) ? 70 : 30);
	}

	/** {@code -Dtinyipc.update-documents=true} writes it anew. */
	@Test
	void theDocumentShowsWhatWasMeasured() throws Exception {
		assumeTrue(ROOT, "the table shows what root can do, too");
		SecurityTable table = new SecurityTable(ways, attempts);
		if (Boolean.getBoolean("tinyipc.update-documents")) {
			String kernel = System.getProperty("os.version").replaceFirst("^(\\d+\\.\\d+).*", "$1");
			Files.writeString(TABLE, table.document(kernel, Landlock.abi()));
		}
		List<String> document = Files.readAllLines(TABLE);
		assertThat(document.stream().filter((line) -> line.startsWith("| ")).count())
			.isEqualTo(ways.all().size() + 2 * ways.all().stream().map(Way::group).distinct().count());
		// What is impossible on this machine may be possible on the one of the document.
		List<String> measured = table.rows()
			.stream()
			.filter(SecurityTable.Row::proves)
			.map(SecurityTable.Row::line)
			.toList();
		assertThat(measured).hasSizeGreaterThan(150);
		assertThat(measured.stream().filter((line) -> !document.contains(line))).isEmpty();
	}

}
