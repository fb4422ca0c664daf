package dev.tinyipc.spring.child;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.HexFormat;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;

import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Archives of loaded classes (class-data sharing), of which a JVM child starts in a
 * fraction of the time. A JVM since 19 keeps one up to date itself. An older one writes
 * one when a child ends, if it is told to, and uses it from the next start on.
 */
final class ClassArchives {

	private static final Logger logger = LoggerFactory.getLogger(ClassArchives.class);

	private static final int AUTOMATIC_SINCE = 19;

	/** The archive is an offer: whatever is wrong with it, the child starts without. */
	private static final List<String> QUIETLY = List.of("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off",
			"-Xlog:class+path=off");

	private final Path folder;

	ClassArchives(Path folder) {
		this.folder = folder;
	}

	/** What the JVM that runs the class is told, and what to do when it has ended. */
	Offer offer(String classPath, String main) {
		if (Stream.of(classPath.split(File.pathSeparator)).anyMatch((entry) -> new File(entry).isDirectory())) {
			return Offer.NONE; // the JVM refuses to archive classes that lie in folders
		}
		try {
			Files.createDirectories(this.folder,
					PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
			String program = hash(System.getProperty("java.home"), Runtime.version().toString(), classPath, main);
			if (Runtime.version().feature() >= AUTOMATIC_SINCE) {
				Path archive = this.folder.resolve(program + ".jsa");
				return new Offer(with("-XX:+AutoCreateSharedArchive", "-XX:SharedArchiveFile=" + archive), null,
						archive);
			}
			Path archive = this.folder.resolve(program + '-' + hash(modificationTimes(classPath)) + ".jsa");
			if (Files.exists(archive)) {
				return new Offer(with("-XX:SharedArchiveFile=" + archive), null, archive);
			}
			Path making = this.folder.resolve(archive.getFileName() + "." + UUID.randomUUID());
			return new Offer(with("-XX:ArchiveClassesAtExit=" + making), making, archive);
		}
		catch (IOException ex) {
			logger.warn("Children start without class-data sharing: the folder {} cannot be used", this.folder, ex);
			return Offer.NONE;
		}
	}

	private static String[] modificationTimes(String classPath) {
		return Stream.of(classPath.split(File.pathSeparator))
			.map((entry) -> Long.toString(new File(entry).lastModified()))
			.toArray(String[]::new);
	}

	private static String hash(String... parts) {
		return HexFormat.of().toHexDigits(String.join("\n", parts).hashCode());
	}

	private static List<String> with(String... arguments) {
		return Stream.concat(QUIETLY.stream(), Stream.of(arguments)).toList();
	}

	/**
	 * What one start is offered.
	 *
	 * @param jvmArguments for its JVM
	 * @param making the archive that it makes, which is called otherwise until it is
	 * whole; null if it makes none
	 * @param archive what that is called then
	 */
	record Offer(List<String> jvmArguments, @Nullable Path making, @Nullable Path archive) {

		static final Offer NONE = new Offer(List.of(), null, null);

		void ended(ExitStatus exit) {
			if (this.making == null || this.archive == null) {
				return;
			}
			try {
				if (exit.isSuccess() && Files.exists(this.making)) {
					Files.move(this.making, this.archive, StandardCopyOption.ATOMIC_MOVE);
				}
				else {
					Files.deleteIfExists(this.making);
				}
			}
			catch (IOException ex) {
				logger.warn("The class archive {} could not be kept", this.making, ex);
			}
		}

	}

}
