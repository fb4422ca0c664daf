package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The command that runs one child's main class, which is on this application's own class
 * path, in a JVM of its own with the java that runs this one. Our own arguments only
 * help: they give way to the user's, and are left out after a start that failed.
 */
final class JavaCommand {

	private static final Logger logger = LoggerFactory.getLogger(JavaCommand.class);

	/** SIGILL, SIGABRT, SIGBUS and SIGSEGV end a JVM that crashed. */
	private static final List<Integer> CRASHES = List.of(4, 6, 7, 11);

	private final ChildSpec spec;

	private final String main;

	private final @Nullable ClassArchives archives;

	private volatile boolean archivesFailed;

	private volatile boolean sizesFailed;

	/**
	 * Creates commands.
	 * @param main the child's main class
	 * @param archives where classes are shared between starts, or null not to
	 */
	JavaCommand(ChildSpec spec, String main, @Nullable ClassArchives archives) {
		this.spec = spec;
		this.main = main;
		this.archives = archives;
	}

	/**
	 * Prepares a start.
	 * @param environment the child's
	 * @throws IOException if no other process can find the class
	 */
	Start prepare(Map<String, String> environment) throws IOException {
		ClassPath classPath = ClassPath.ofThisApplication();
		JvmOptions said = JvmOptions.of(this.spec.jvmArguments(), environment);
		ClassArchives.Offer offer = (this.archives != null && !this.archivesFailed)
				? this.archives.offer(classPath, this.main, said) : ClassArchives.Offer.NONE;
		List<String> command = new ArrayList<>();
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		if (!this.sizesFailed) {
			command.addAll(JvmDefaults.sizes(said));
		}
		command.addAll(JvmDefaults.properties(said));
		command.add("--enable-native-access=ALL-UNNAMED");
		command.addAll(offer.jvmArguments());
		command.addAll(this.spec.jvmArguments());
		List<String> what = new ArrayList<>(List.of("-cp", classPath.toString()));
		what.addAll(classPath.arguments(this.main));
		Path file = ArgumentFile.isNeededFor(classPath.toString()) ? ArgumentFile.of(what) : null;
		command.addAll((file != null) ? List.of("@" + file) : what);
		return new Start(command, offer, file);
	}

	/** One start, from its command to its end. */
	final class Start {

		private final List<String> command;

		private final ClassArchives.Offer offer;

		private final @Nullable Path argumentFile;

		private Start(List<String> command, ClassArchives.Offer offer, @Nullable Path argumentFile) {
			this.command = command;
			this.offer = offer;
			this.argumentFile = argumentFile;
		}

		List<String> command() {
			return this.command;
		}

		/**
		 * Cleans up, and learns from a failure.
		 * @param exit how the process ended
		 * @param early whether that was so soon that its start may be the reason
		 * @param withoutJvm whether its output says that it never became a JVM
		 */
		void ended(ExitStatus exit, boolean early, boolean withoutJvm) {
			deleteArgumentFile();
			boolean failed = early && isFailure(exit);
			if (failed && this.offer != ClassArchives.Offer.NONE && !JavaCommand.this.archivesFailed) {
				JavaCommand.this.archivesFailed = true;
				logger.warn("{} starts without a class archive from now on, because a start with one failed: {}",
						JavaCommand.this.spec, exit);
			}
			if (failed && withoutJvm && !JavaCommand.this.sizesFailed) {
				JavaCommand.this.sizesFailed = true;
				logger.warn("{} starts without our default collector and heap from now on, because the JVM did not"
						+ " start with them: {}", JavaCommand.this.spec, exit);
			}
			this.offer.ended(exit, failed);
		}

		/** Cleans up if there is no process. */
		void cancel() {
			deleteArgumentFile();
		}

		private void deleteArgumentFile() {
			try {
				if (this.argumentFile != null) {
					Files.deleteIfExists(this.argumentFile);
				}
			}
			catch (IOException ex) {
				logger.debug("The file {} could not be deleted", this.argumentFile, ex);
			}
		}

		/** An exit code of 1 is that of a JVM that cannot start, and of an exception. */
		private static boolean isFailure(ExitStatus exit) {
			return exit.code().orElse(0) == 1 || CRASHES.contains(exit.signal().orElse(0));
		}

	}

}
