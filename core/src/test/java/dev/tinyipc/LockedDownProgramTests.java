package dev.tinyipc;

import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.stream.Stream;

import javax.imageio.ImageIO;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Programs that run locked down without being given any path. */
@Timeout(60)
class LockedDownProgramTests {

	@TempDir
	private Path folder;

	@ParameterizedTest
	@ValueSource(strings = { "java", "python", "node", "shell" })
	void startedByThisUser(String language) throws Exception {
		List<String> command = command(language, this.folder);
		assumeTrue(isThere(command.get(0)), () -> "there is no " + command.get(0));
		assertThat(output(command)).isEqualTo("hello");
	}

	@ParameterizedTest
	@ValueSource(strings = { "java", "python", "node", "shell" })
	void startedByNobody(String language) throws Exception {
		Path scripts = Files.createDirectory(this.folder.resolve("scripts"));
		List<String> command = command(language, scripts);
		assumeTrue(isThere(command.get(0)), () -> "there is no " + command.get(0));
		String output = new ChildJvm(Starter.class, language, scripts.toString()).asNobody(this.folder).run();
		assertThat(output).contains("hello\n").doesNotContain("denied");
	}

	@Test
	void pythonInAVirtualEnvironment() throws Exception {
		String python = "/usr/bin/python3";
		assumeTrue(isThere(python), () -> "there is no " + python);
		new ProcessBuilder(python, "-m", "venv", "--without-pip", this.folder.resolve("venv").toString()).start()
			.waitFor();
		Path packages;
		try (Stream<Path> files = Files.walk(this.folder.resolve("venv"))) {
			packages = files.filter((file) -> file.endsWith("site-packages")).findFirst().orElseThrow();
		}
		Files.writeString(packages.resolve("installed.py"), "TEXT = 'hello'");
		Path script = Files.writeString(this.folder.resolve("worker.py"), "import installed; print(installed.TEXT)");
		assertThat(output(List.of(this.folder.resolve("venv/bin/python").toString(), script.toString())))
			.isEqualTo("hello");
	}

	@Test
	void aScriptByItsOwnName() throws Exception {
		Path script = Files.writeString(this.folder.resolve("worker"), "#!/usr/bin/env sh\necho hello\n");
		Files.setPosixFilePermissions(script, PosixFilePermissions.fromString("rwxr-xr-x"));
		assertThat(output(List.of(script.toString()))).isEqualTo("hello");
		Files.writeString(script, "echo hello\n"); // which the shell runs
		assertThat(output(List.of(script.toString()))).isEqualTo("hello");
	}

	@Test
	void javaDrawsText() throws Exception {
		assertThat(output(new ChildJvm(Draw.class).option("-Djava.awt.headless=true").command())).isEqualTo("hello");
	}

	/** The command of a program that says hello, whose script is written once. */
	private static List<String> command(String language, Path folder) throws IOException {
		return switch (language) {
			case "java" -> new ChildJvm(Say.class).command();
			case "python" -> List.of("/usr/bin/python3", script(folder, "py", "text = 'hello'",
					"import hashlib, json, socket, sibling; print(sibling.text)"));
			case "node" ->
				List.of("node", script(folder, "js", "module.exports = 'hello'", "console.log(require('./sibling'))"));
			default -> List.of("sh", script(folder, "sh", "text=hello", ". " + folder + "/sibling.sh; echo $text"));
		};
	}

	private static String script(Path folder, String extension, String sibling, String text) throws IOException {
		Path script = folder.resolve("worker." + extension);
		if (!Files.exists(script)) {
			Files.writeString(folder.resolve("sibling." + extension), sibling);
			Files.writeString(script, text);
		}
		return script.toString();
	}

	private static boolean isThere(String program) {
		return Stream.of(System.getenv("PATH").split(":"))
			.anyMatch((folder) -> Files.isExecutable(Path.of(folder).resolve(program)));
	}

	private static String output(List<String> command) throws IOException, InterruptedException {
		try (IpcProcess child = new IpcProcessBuilder(command).sandbox(Sandbox.of(Sandbox.Profile.LOCKED_DOWN))
			.redirectErrorStream(true)
			.start()) {
			String output = new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
			assertThat(child.waitFor()).as(output).isZero();
			return output.strip();
		}
	}

	/** Starts the program that a test has prepared. */
	static class Starter {

		public static void main(String[] arguments) throws Exception {
			System.out.println(output(command(arguments[0], Path.of(arguments[1]))));
		}

	}

	static class Say {

		public static void main(String[] arguments) throws Exception {
			IpcSocket.inherited();
			System.out.println("hello");
		}

	}

	static class Draw {

		public static void main(String[] arguments) throws Exception {
			BufferedImage image = new BufferedImage(100, 100, BufferedImage.TYPE_INT_RGB);
			Graphics2D graphics = image.createGraphics();
			graphics.drawString("text", 10, 10);
			graphics.dispose();
			ImageIO.setUseCache(false);
			ByteArrayOutputStream file = new ByteArrayOutputStream();
			ImageIO.write(image, "png", file);
			ImageIO.read(new ByteArrayInputStream(file.toByteArray()));
			System.out.println("hello");
		}

	}

}
