package dev.tinyipc.spring.autoconfigure;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.spring.FolderJar;
import dev.tinyipc.spring.JavaCommand;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.boot.loader.tools.Layers;
import org.springframework.boot.loader.tools.Layout;
import org.springframework.boot.loader.tools.Layouts;
import org.springframework.boot.loader.tools.Library;
import org.springframework.boot.loader.tools.LibraryScope;
import org.springframework.boot.loader.tools.Repackager;
import org.springframework.util.FileSystemUtils;

import static org.assertj.core.api.Assertions.assertThat;

/** Children with a main class start and answer however their application is run. */
@Timeout(300)
class ExecutableFormsTests {

	private static final String CLASS_PATH = System.getProperty("java.class.path");

	private static final String APPLICATION = AheadOfTimeApplication.class.getName();

	private static final String LAUNCHER = "org.springframework.boot.loader.launch.";

	private static final String FORMS = """
			a class path                                  | .            | -cp CLASSES APPLICATION
			a class path with devtools                    | .            | -cp DEVTOOLS:CLASSES APPLICATION
			a class path, processed ahead of time         | .            | -Dspring.aot.enabled=true -cp classes:CLASSES APPLICATION
			an executable jar                             | .            | -jar app.jar
			an executable jar, processed ahead of time    | .            | -Dspring.aot.enabled=true -jar app.jar
			an executable jar, by the properties launcher | .            | -cp app.jar -Dloader.main=APPLICATION LAUNCHER.PropertiesLauncher
			an executable war                             | .            | -jar app.war
			an exploded jar, from inside                  | exploded     | LAUNCHER.JarLauncher
			an exploded jar, from outside                 | .            | -cp exploded LAUNCHER.JarLauncher
			an exploded war                               | exploded-war | LAUNCHER.WarLauncher
			an extracted jar                              | .            | -jar extracted/app.jar
			an extracted jar, processed ahead of time     | extracted    | -Dspring.aot.enabled=true -jar app.jar
			extracted layers with the launcher            | layered      | LAUNCHER.JarLauncher
			""";

	@TempDir
	private static Path folder;

	@BeforeAll
	static void pack() throws Exception {
		Path classes = AheadOfTimeTests.process(folder);
		List<Path> libraries = new ArrayList<>();
		for (String entry : CLASS_PATH.split(File.pathSeparator)) {
			Path path = Path.of(entry);
			if (path.endsWith("test-classes")) {
				FileSystemUtils.copyRecursively(path, classes);
			}
			else if (Files.isDirectory(path)) {
				libraries.add(FolderJar.pack(path, folder.resolve("library-" + libraries.size() + ".jar")));
			}
			else if (Files.exists(path)) {
				libraries.add(path);
			}
		}
		repackage(FolderJar.pack(classes, folder.resolve("plain.jar")), new Layouts.Jar(), folder.resolve("app.jar"),
				libraries);
		Path webClasses = Files.createDirectories(folder.resolve("web").resolve("WEB-INF")).resolve("classes");
		FileSystemUtils.copyRecursively(classes, webClasses);
		repackage(FolderJar.pack(folder.resolve("web"), folder.resolve("plain.war")), new Layouts.War(),
				folder.resolve("app.war"), libraries);
		unpack("app.jar", "exploded");
		unpack("app.war", "exploded-war");
		AheadOfTimeTests.run(folder,
				JavaCommand.of("-Djarmode=tools", "-jar", "app.jar", "extract", "--destination", "extracted"));
		AheadOfTimeTests.run(folder, JavaCommand.of("-Djarmode=tools", "-jar", "app.jar", "extract", "--layers",
				"--launcher", "--destination", "layers"));
		// As an image is built: each layer is copied over the one before it.
		for (String layer : List.of("dependencies", "spring-boot-loader", "snapshot-dependencies", "application")) {
			FileSystemUtils.copyRecursively(folder.resolve("layers").resolve(layer), folder.resolve("layered"));
		}
	}

	@ParameterizedTest(name = "{0}")
	@CsvSource(delimiter = '|', textBlock = FORMS)
	void theChildAndOneThatIsLockedDownAnswerIfTheApplicationIs(String form, String directory, String arguments,
			@TempDir Path elsewhere) throws Exception {
		assertThat(run(directory, arguments, elsewhere)).contains("the reply is: ahead of time")
			.contains("the other's reply is: locked-down")
			.doesNotContain("WARN");
	}

	private static String run(String directory, String arguments, Path elsewhere)
			throws IOException, InterruptedException {
		List<String> command = JavaCommand.of("--enable-native-access=ALL-UNNAMED");
		for (String argument : arguments.split(" ")) {
			command.add(argument.replace("CLASSES", CLASS_PATH)
				.replace("DEVTOOLS", System.getProperty("devtools.jar", ""))
				.replace("APPLICATION", APPLICATION)
				.replace("LAUNCHER.", LAUNCHER));
		}
		command.add("--ipc.class-sharing.directory=" + elsewhere.resolve("archives"));
		command.add("--ipc.children.worker.directory=" + elsewhere);
		command.add("--ipc.children.other.directory=" + elsewhere);
		command.add("--ipc.children.other.sandbox.profile=locked-down");
		command.add("--ask-other");
		command.add("--ipc.template.timeout=2m");
		return AheadOfTimeTests.run(folder.resolve(directory), command);
	}

	private static void repackage(Path source, Layout layout, Path target, List<Path> libraries) throws IOException {
		Repackager repackager = new Repackager(source.toFile());
		repackager.setMainClass(APPLICATION);
		repackager.setLayout(layout);
		repackager.setLayers(Layers.IMPLICIT);
		repackager.repackage(target.toFile(), (callback) -> {
			for (Path library : libraries) {
				callback.library(new Library(library.toFile(), LibraryScope.COMPILE));
			}
		});
	}

	private static void unpack(String archive, String name) throws Exception {
		Path target = Files.createDirectory(folder.resolve(name));
		AheadOfTimeTests.run(target, List.of(JavaCommand.program("jar"), "xf", folder.resolve(archive).toString()));
	}

}
