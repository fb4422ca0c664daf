package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Archives of loaded classes (class-data sharing), with which a JVM child starts in a
 * fraction of the time. A JVM writes one when it ends, if told to, and it is used from
 * the next start on. JVMs since 19 could keep one up to date by themselves, but write to
 * the file that others map. A JVM checks only the size and the time of each jar, so the
 * name of an archive is a digest of their content.
 */
final class ClassArchives {

	private static final Logger logger = LoggerFactory.getLogger(ClassArchives.class);

	/** Whatever is wrong with the archive, the child starts without it. */
	private static final List<String> QUIETLY = List.of("-Xshare:auto", "-Xlog:cds=off", "-Xlog:cds+dynamic=off",
			"-Xlog:class+path=off");

	/** With these, a JVM refuses to start with an archive, or has one of its user's. */
	private static final Pattern CONFLICTS = Pattern.compile("-(javaagent|agentlib|agentpath|Xbootclasspath|Xshare).*"
			+ "|-X(run|debug).*|--(patch-module|upgrade-module-path|limit-modules).*|-Djava\\.system\\.class\\.loader=.*"
			+ "|-XX:[+-]?(\\w*SharedArchive\\w*|\\w*ArchiveClassesAtExit|\\w*DynamicDump\\w*|DumpLoadedClassList"
			+ "|\\w*SharedSpaces|\\w*SharedClassList\\w*|AOT\\w+|\\w*JVMCI\\w*)(=.*)?");

	/** Options that an archive can depend on. */
	private static final String JVM_OPTION = "-XX:";

	private final ArchiveFolder folder;

	private final JarContents contents = new JarContents();

	private final AtomicBoolean told = new AtomicBoolean();

	/**
	 * Keeps archives in a folder.
	 * @param folder the folder; null for the default
	 */
	ClassArchives(@Nullable Path folder) {
		this.folder = new ArchiveFolder(folder);
	}

	/**
	 * The archive, if any, for a start of the JVM that runs the class.
	 * @param readOnly whether the JVM may use an archive, but not write one: whoever
	 * takes it over would choose the code of the next
	 */
	Offer offer(ClassPath classPath, String main, JvmOptions said, boolean readOnly) {
		if (said.areInFile() || said.mention(CONFLICTS)) {
			return Offer.NONE;
		}
		try {
			Optional<byte[]> content = this.contents.digest(classPath);
			if (content.isEmpty()) {
				return Offer.NONE; // JVMs do not archive classes in folders
			}
			Path archive = this.folder.file(name(classPath, content.get(), main, said) + ".jsa");
			if (readOnly && !Files.exists(archive)) {
				return Offer.NONE;
			}
			if (Files.exists(archive)) {
				return new Offer(with("-XX:SharedArchiveFile=" + archive), null, archive);
			}
			Path making = ArchiveFolder.unfinished(archive);
			return new Offer(with("-XX:ArchiveClassesAtExit=" + making), making, archive);
		}
		catch (IOException ex) {
			if (this.told.compareAndSet(false, true)) {
				logger.warn("Children start without class-data sharing: {}. See ipc.class-sharing.directory",
						ex.toString());
			}
			return Offer.NONE;
		}
	}

	private static String name(ClassPath classPath, byte[] content, String main, JvmOptions said) {
		MessageDigest digest = JarContents.newDigest();
		Stream
			.of(Stream.of(System.getProperty("java.home"), Runtime.version().toString(), classPath.toString(), main),
					said.options().stream().filter((option) -> option.startsWith(JVM_OPTION)))
			.flatMap((parts) -> parts)
			.forEach((part) -> {
				digest.update(part.getBytes(StandardCharsets.UTF_8));
				digest.update((byte) 0);
			});
		return HexFormat.of().formatHex(digest.digest(content), 0, 16);
	}

	private static List<String> with(String... arguments) {
		return Stream.concat(QUIETLY.stream(), Stream.of(arguments)).toList();
	}

	/**
	 * The archive for one start.
	 *
	 * @param jvmArguments arguments for its JVM
	 * @param making the path of the archive until it is complete; null if this start does
	 * not write one
	 * @param archive the path of the complete archive; null if there is none
	 */
	record Offer(List<String> jvmArguments, @Nullable Path making, @Nullable Path archive) {

		static final Offer NONE = new Offer(List.of(), null, null);

		/**
		 * Keeps the archive that a process has written, and removes one that may be
		 * broken.
		 * @param exit how the process ended
		 * @param failed whether it failed in a way that the archive may explain
		 */
		void ended(ExitStatus exit, boolean failed) {
			try {
				if (this.making != null && this.archive != null && exit.isSuccess() && Files.exists(this.making)) {
					ArchiveFolder.keep(this.making, this.archive);
				}
				else if (this.making != null) {
					Files.deleteIfExists(this.making);
				}
				else if (this.archive != null && failed) {
					Files.deleteIfExists(this.archive);
				}
			}
			catch (IOException ex) {
				logger.warn("Unable to keep the class archive {}: {}", this.archive, ex.toString());
			}
		}

	}

}
