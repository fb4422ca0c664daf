package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.jar.Attributes;
import java.util.jar.JarOutputStream;
import java.util.jar.Manifest;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What is granted, and what is not. That it suffices is in LockedDownProgramTests. */
class ProgramNeedsTests {

	private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

	private final Map<String, String> environment = new HashMap<>(Map.of("PATH", System.getenv("PATH")));

	private Path folder;

	@BeforeEach
	void folder(@TempDir Path folder) throws IOException {
		this.folder = folder.toRealPath();
	}

	@Test
	void aProgramIsLookedUpAsByExecvp() throws IOException {
		assertThat(needs("sh").program()).isAbsolute().isExecutable();
		Path script = script("bin/worker", "#!/bin/sh\n");
		assertThat(needs("bin/worker").program()).isEqualTo(script);
		assertThat(needs(script.toString()).program()).isEqualTo(script);
	}

	@Test
	void aProgramThatIsMissingOrNotExecutableIsNamed() throws IOException {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> needs("no-such-program"))
			.withMessageContaining("Cannot run program \"no-such-program\"")
			.withMessageContaining("ENOENT");
		Files.writeString(this.folder.resolve("file"), "");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> needs("./file")).withMessageContaining("EACCES");
		Files.createDirectory(this.folder.resolve("directory"));
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> needs("./directory"))
			.withMessageContaining("ENOENT");
	}

	@Test
	void onlyTheProgramAndItsInterpretersMayBeExecuted() throws IOException {
		Path script = script("worker", "#!/usr/bin/env -S sh -e\n");
		ProgramNeeds needs = needs("./worker");
		assertThat(needs.executable()).contains(script, Path.of("/usr/bin/env"), needs("sh").program())
			.allMatch(Files::isRegularFile)
			.hasSize(4); // and the dynamic loader
	}

	@Test
	void furtherProgramsAreFollowedAsWell() throws IOException {
		Path script = script("convert", "#!/bin/sh\n");
		assertThat(ProgramNeeds
			.of(List.of("true"), this.environment, this.folder.toFile(), List.of(script, this.folder, Path.of("/no")))
			.executable()).contains(script, Path.of("/bin/sh")).doesNotContain(this.folder, Path.of("/no"));
	}

	@Test
	void aPathThatGoesUpFromALinkIsLeftAsItIs() throws IOException {
		Path script = script("real/worker", "#!/bin/sh\n");
		Files.createSymbolicLink(this.folder.resolve("link"),
				Files.createDirectories(this.folder.resolve("real/inner")));
		assertThat(needs("link/../worker").program()).hasSameBinaryContentAs(script);
	}

	@Test
	void scriptsAreFollowedToTheLastInterpreter() throws IOException {
		Path inner = script("inner", "#!/bin/sh\n");
		Path outer = script("outer", "#!" + inner + " argument\n");
		assertThat(needs(outer.toString()).executable()).contains(outer, inner, Path.of("/bin/sh"));
		Path plain = script("plain", "exit 0\n");
		assertThat(needs(plain.toString()).executable()).contains(plain, Path.of("/bin/sh"));
		Path endless = script("endless", "#!" + this.folder.resolve("endless") + "\n");
		assertThat(needs(endless.toString()).executable()).containsExactly(endless);
	}

	@Test
	void theFolderOfAScriptMayBeReadButNotItsParent() throws IOException {
		Path script = write("app/worker.sh", "");
		assertThat(needs("sh", "app/worker.sh").readable()).contains(script, script.getParent())
			.noneMatch(this.folder::startsWith);
		assertThat(needs("sh", "-eu", "+o", "pipefail", "app/worker.sh").readable()).contains(script.getParent());
	}

	@Test
	void theFolderOfAScriptIsNotReadIfItIsAHomeFolderOrAnybodyMayWriteThere() throws IOException {
		Path script = write("home/me/worker.sh", "");
		this.environment.put("HOME", script.getParent().toString());
		assertThat(needs("sh", script.toString()).readable()).contains(script).doesNotContain(script.getParent());
		this.environment.put("HOME", this.folder.resolve("home/me/deeper").toString());
		assertThat(needs("sh", script.toString()).readable()).contains(script).doesNotContain(script.getParent());
		this.environment.remove("HOME");
		assertThat(needs("sh", script.toString()).readable()).contains(script.getParent());
		Files.setPosixFilePermissions(script.getParent(), PosixFilePermissions.fromString("rwxrwxrwx"));
		assertThat(needs("sh", script.toString()).readable()).contains(script).doesNotContain(script.getParent());
	}

	@Test
	void aProgramThatIsNotAScriptGetsNothingForItsArguments() throws IOException {
		Path file = write("secret/file", "");
		assertThat(needs("cat", file.toString()).readable()).noneMatch(file::startsWith);
		assertThat(needs("sh", "-c", "cat " + file, file.toString()).readable()).noneMatch(file::startsWith);
	}

	@Test
	void nothingOfAnybodyIsGrantedToAnyProgram() throws IOException {
		assertThat(needs("true").readable()).doesNotContain(Path.of("/"), Path.of("/etc"), Path.of("/proc"),
				Path.of("/usr"), Path.of("/tmp"), Path.of(System.getProperty("user.home")), this.folder);
	}

	@Test
	void aVirtualEnvironmentAndItsBaseAreFound() throws IOException {
		Path base = script("base/bin/python3.11", "");
		Files.copy(Path.of("/bin/sh"), Files.createDirectories(this.folder.resolve("copy")).resolve("python3.11"));
		Files.delete(base);
		Files.move(this.folder.resolve("copy/python3.11"), base);
		Path added = Files.createDirectories(this.folder.resolve("added"));
		Path pth = write("venv/lib/python3.11/site-packages/some.pth", "# text\nimport this\n" + added + "\n");
		Path configuration = write("venv/pyvenv.cfg", "version = 3.11.7\nhome = " + base.getParent() + "\n");
		Files.createDirectory(this.folder.resolve("venv/bin"));
		Path python = Files.createSymbolicLink(this.folder.resolve("venv/bin/python"), base);
		Path script = write("app/worker.py", "");
		assertThat(needs(python.toString(), "-X", "dev", "-Ximporttime", "-Wdefault::M", "-u", script.toString(),
				"argument")
			.readable())
			.contains(configuration, this.folder.resolve("venv/lib"), this.folder.resolve("base/lib"), added,
					script.getParent())
			.anyMatch(pth::startsWith)
			.doesNotContain(this.folder.resolve("venv"), this.folder.resolve("base"));
	}

	@Test
	void aModuleOfPythonIsFoundInTheWorkingDirectory() throws IOException {
		Path python = Files.copy(Path.of("/bin/sh"), this.folder.resolve("python3"));
		Path module = write("app/worker/__main__.py", "").getParent();
		assertThat(ProgramNeeds
			.of(List.of(python.toString(), "-um", "worker.inner"), this.environment, module.getParent().toFile(),
					List.of())
			.readable()).contains(module, module.getParent());
		assertThat(ProgramNeeds
			.of(List.of(python.toString(), "-m", "json.tool"), this.environment, module.getParent().toFile(), List.of())
			.readable()).noneMatch(module::startsWith);
	}

	@Test
	void theVersionBehindAScriptOfPyenvIsFound() throws IOException {
		Path shim = script("pyenv/shims/python3", "#!/bin/sh\n");
		script("pyenv/libexec/pyenv", "#!/bin/sh\n");
		Path first = script("pyenv/versions/3.11.7/bin/python3", "#!/bin/sh\n");
		Path second = script("pyenv/versions/3.12.1/bin/python3", "#!/bin/sh\n");
		write("pyenv/version", "3.11.7\n");
		assertThat(needs(shim.toString()).program()).isEqualTo(first);
		write(".python-version", "3.9.1 3.12.1\n");
		assertThat(needs(shim.toString()).program()).isEqualTo(second);
		this.environment.put("PYENV_VERSION", "3.11.7");
		assertThat(needs(shim.toString()).program()).isEqualTo(first);
		this.environment.put("PYENV_VERSION", "system");
		assertThat(needs(shim.toString()).program()).isEqualTo(shim);
	}

	@Test
	void modulesOfNodeAreFoundInTheFoldersAbove() throws IOException {
		Path node = Files.copy(Path.of("/bin/sh"),
				Files.createDirectories(this.folder.resolve("node/bin")).resolve("node"));
		Path script = write("app/src/worker.js", "");
		Path modules = Files.createDirectories(this.folder.resolve("app/node_modules"));
		Path description = write("app/package.json", "{}");
		Path preloaded = write("hooks/trace.js", "");
		assertThat(needs(node.toString(), "--require", "./hooks/trace.js", "--no-warnings", "app/src/worker", "x")
			.readable())
			.contains(script, script.getParent(), modules, description, preloaded,
					this.folder.resolve("node/lib/node_modules"))
			.doesNotContain(this.folder.resolve("app"), this.folder);
	}

	@Test
	void theClassPathOfJavaIsFoundWhereverItStands() throws IOException {
		Path inner = jar("lib/inner.jar", null);
		Path outer = jar("lib/outer.jar", "inner.jar missing.jar");
		Path folder = Files.createDirectories(this.folder.resolve("classes"));
		Path file = write("arguments", "# a comment\n-cp \"lib/outer.jar:" + folder + "\"\n");
		assertThat(needs(JAVA.toString(), "-Xmx64m", "@arguments", "Main", "@ignored").readable()).contains(file, outer,
				inner, folder);
		assertThat(needs(JAVA.toString(), "-jar", "lib/outer.jar", "-cp", "/").readable()).contains(outer, inner)
			.doesNotContain(Path.of("/"));
		assertThat(needs(JAVA.toString(), "--class-path=lib/*", "Main").readable()).contains(inner.getParent());
		this.environment.put("CLASSPATH", outer.toString());
		assertThat(needs(JAVA.toString(), "Main").readable()).contains(outer, inner);
		assertThat(needs(JAVA.toString(), "-cp", folder.toString(), "Main").readable()).doesNotContain(outer);
	}

	@Test
	void theWorkingDirectoryIsAClassPathOnlyIfThereIsNoOther() throws IOException {
		assertThat(needs(JAVA.toString(), "Main").readable()).contains(this.folder);
		assertThat(needs(JAVA.toString(), "-version").readable()).doesNotContain(this.folder);
		assertThat(needs(JAVA.toString(), "-m", "some.module/Main").readable()).doesNotContain(this.folder);
		assertThat(needs(JAVA.toString(), "-cp", "/etc:" + System.getProperty("user.home"), "Main").readable())
			.doesNotContain(this.folder, Path.of("/etc"), Path.of(System.getProperty("user.home")));
	}

	@Test
	void agentsAndArchivesAndLibrariesOfJavaAreFound() throws IOException {
		Path agent = jar("agent.jar", null);
		Path archive = write("app.jsa", "");
		Path libraries = Files.createDirectories(this.folder.resolve("native"));
		Path module = jar("module.jar", null);
		assertThat(needs(JAVA.toString(), "-javaagent:agent.jar=option=value", "-XX:SharedArchiveFile=" + archive,
				"-Djava.library.path=" + libraries, "-p", "module.jar", "-m", "some.module/Main")
			.readable()).contains(agent, archive, libraries, module).doesNotContain(this.folder);
	}

	@Test
	void theInstallationOfJavaIsFoundWithWhatItsLinksLeadTo() throws IOException {
		Path home = JAVA.toRealPath().getParent().getParent();
		ProgramNeeds needs = needs(JAVA.toString(), "-version");
		assertThat(needs.readable()).contains(home);
		for (String file : List.of("lib/jvm.cfg", "conf/security/java.security")) {
			Path real = home.resolve(file).toRealPath();
			assertThat(needs.readable()).anyMatch(real::startsWith);
		}
	}

	@Test
	void aChangedLibraryOfJnaIsReplacedBeforeTheNextStart() throws IOException {
		List<String> command = List.of(JAVA.toString(), "-version");
		String option = needs(command.toArray(String[]::new)).command().get(1);
		Path library = Path.of(option.substring(option.indexOf('=') + 1), "libjnidispatch.so");
		byte[] content = Files.readAllBytes(library);
		Files.write(library, new byte[1], StandardOpenOption.APPEND); // harmless
		assertThat(needs(command.toArray(String[]::new)).command().get(1)).isEqualTo(option);
		assertThat(library).hasBinaryContent(content);
	}

	@Test
	void foldersThatOthersShareAreNotGrantedForAWildcard() throws IOException {
		Path shared = Files.createDirectory(this.folder.resolve("shared"));
		Files.setPosixFilePermissions(shared, PosixFilePermissions.fromString("rwxrwxrwx"));
		Path jar = Files.createFile(shared.resolve("a.jar"));
		assertThat(needs(JAVA.toString(), "-cp", "shared/*", "Main").readable()).contains(jar).doesNotContain(shared);
	}

	@Test
	void homeFoldersOfOtherUsersAreShared() throws IOException {
		try (Stream<Path> homes = Files.list(Path.of("/home"))) {
			assertThat(homes.filter(Files::isDirectory))
				.allMatch(new NeededPaths(this.folder, this.environment)::isShared);
		}
	}

	@Test
	void javaIsToldWhereTheLibraryOfJnaIs() throws IOException {
		List<String> command = needs(JAVA.toString(), "-version").command();
		assertThat(command).hasSize(3).element(1).asString().startsWith("-Djna.boot.library.path=");
		Path folder = Path.of(command.get(1).replaceFirst(".*=", ""));
		assertThat(folder.resolve("libjnidispatch.so")).isNotEmptyFile();
		assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(folder))).isEqualTo("rwx------");
		assertThat(needs(JAVA.toString(), "-version").readable()).contains(folder);
		List<String> own = List.of(JAVA.toString(), "-Djna.boot.library.path=/opt", "-version");
		assertThat(ProgramNeeds.of(own, this.environment, null, List.of()).command()).isEqualTo(own);
	}

	@Test
	void theLibrariesOfAProgramAreFoundBesideIt() throws IOException {
		Path java = Files.createDirectories(this.folder.resolve("image/bin")).resolve("worker");
		Files.copy(JAVA, java);
		Path library = Files.createDirectories(this.folder.resolve("image/lib")).resolve("libjli.so");
		Files.copy(JAVA.toRealPath().resolveSibling("../lib/libjli.so"), library);
		assertThat(needs(java.toString()).readable()).contains(library).doesNotContain(java.getParent());
	}

	private ProgramNeeds needs(String... command) throws IOException {
		return ProgramNeeds.of(List.of(command), this.environment, this.folder.toFile(), List.of());
	}

	private Path write(String name, String content) throws IOException {
		Path file = this.folder.resolve(name);
		Files.createDirectories(file.getParent());
		return Files.writeString(file, content);
	}

	private Path script(String name, String content) throws IOException {
		Path file = write(name, content);
		Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rwxr-xr-x"));
		return file;
	}

	private Path jar(String name, String classPath) throws IOException {
		Path file = write(name, "");
		Manifest manifest = new Manifest();
		manifest.getMainAttributes().put(Attributes.Name.MANIFEST_VERSION, "1.0");
		if (classPath != null) {
			manifest.getMainAttributes().put(Attributes.Name.CLASS_PATH, classPath);
		}
		new JarOutputStream(Files.newOutputStream(file), manifest).close();
		return file;
	}

}
