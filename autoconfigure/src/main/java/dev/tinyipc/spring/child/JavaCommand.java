package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.Sandbox;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The command that runs a child's main class, from this application's class path, in a
 * JVM of its own. It uses the Java installation that runs this application. Our own
 * arguments are optional: the user's take precedence, and they are omitted after a failed
 * start.
 */
final class JavaCommand {

	private static final Logger logger = LoggerFactory.getLogger(JavaCommand.class);

	/** A JVM that crashes is ended by SIGILL, SIGABRT, SIGBUS or SIGSEGV. */
	private static final List<Integer> CRASHES = List.of(4, 6, 7, 11);

	private final ChildSpec spec;

	private final String main;

	private final @Nullable ClassArchives archives;

	private volatile boolean archivesFailed;

	private volatile boolean sizesFailed;

	/**
	 * Creates the commands for one child.
	 * @param main the child's main class
	 * @param archives shares classes between starts; null not to share any
	 */
	JavaCommand(ChildSpec spec, String main, @Nullable ClassArchives archives) {
		this.spec = spec;
		this.main = main;
		this.archives = archives;
	}

	/**
	 * Prepares a start.
	 * @param environment the child's environment
	 * @throws IOException if no other process could find the class
	 */
	Start prepare(Map<String, String> environment) throws IOException {
		ClassPath classPath = ClassPath.ofThisApplication();
		JvmOptions said = JvmOptions.of(this.spec.jvmArguments(), environment);
		boolean lockedDown = this.spec.profile() == Sandbox.Profile.LOCKED_DOWN;
		ClassArchives.Offer offer = (this.archives != null && !this.archivesFailed)
				? this.archives.offer(classPath, this.main, said, lockedDown) : ClassArchives.Offer.NONE;
		List<String> command = new ArrayList<>();
		command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
		if (!this.sizesFailed) {
			command.addAll(JvmDefaults.sizes(said));
		}
		if (lockedDown) {
			command.addAll(JvmDefaults.surroundings(said));
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
		 * Cleans up and, after a failure, omits the arguments that may explain it.
		 * @param exit how the process ended
		 * @param early whether it ended so early that its start may have failed
		 * @param withoutJvm whether its output says that the JVM could not start
		 */
		void ended(ExitStatus exit, boolean early, boolean withoutJvm) {
			deleteArgumentFile();
			boolean failed = early && isFailure(exit);
			if (failed && this.offer != ClassArchives.Offer.NONE && !JavaCommand.this.archivesFailed) {
				JavaCommand.this.archivesFailed = true;
				logger.warn("{} is started without a class archive from now on, because a start with one failed: {}",
						JavaCommand.this.spec, exit);
			}
			if (failed && withoutJvm && !JavaCommand.this.sizesFailed) {
				JavaCommand.this.sizesFailed = true;
				logger.warn("{} is started without the default collector and heap size from now on, because the JVM"
						+ " did not start with them: {}", JavaCommand.this.spec, exit);
			}
			this.offer.ended(exit, failed);
		}

		/** Cleans up if no process was started. */
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
				logger.debug("Unable to delete the file {}", this.argumentFile, ex);
			}
		}

		/** A JVM that cannot start exits with code 1, as it does after an exception. */
		private static boolean isFailure(ExitStatus exit) {
			return exit.code().orElse(0) == 1 || CRASHES.contains(exit.signal().orElse(0));
		}

	}

}
