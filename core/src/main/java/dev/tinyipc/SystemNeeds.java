package dev.tinyipc;

import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What any program may read: the system's libraries, its time zones, locales and fonts,
 * and what tells about the machine. All of it is the same for everybody on this machine,
 * and contains nothing about a process or a user.
 */
final class SystemNeeds {

	/** Always searched by {@code ld.so(8)}. */
	private static final List<String> LIBRARIES = List.of("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib");

	/**
	 * Folders are granted as a whole. There is no {@code /proc/self} among them: it would
	 * have to be named by a process id that does not exist yet.
	 */
	private static final List<Path> FILES = Stream.of("/etc/ld.so.cache", "/etc/ld.so.preload",
			// Time, language, and the name of the system
			"/etc/localtime", "/etc/timezone", "/usr/share/zoneinfo", "/usr/share/locale", "/usr/share/i18n",
			"/usr/share/locale-langpack", "/etc/locale.alias", "/etc/os-release",
			// Fonts, of which Java and every renderer of documents want some
			"/etc/fonts", "/usr/share/fonts", "/usr/share/fontconfig", "/usr/local/share/fonts",
			"/var/cache/fontconfig",
			// OpenSSL stops a program that finds this and may not read it
			"/etc/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf", "/etc/crypto-policies",
			// The processors and the memory, by which libraries choose what they do
			"/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/loadavg", "/proc/uptime", "/proc/version",
			"/proc/filesystems", "/proc/cgroups", "/proc/sys/vm/overcommit_memory", "/proc/sys/vm/max_map_count",
			"/proc/sys/vm/mmap_min_addr", "/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max",
			"/proc/sys/kernel/threads-max", "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/ngroups_max",
			"/proc/sys/kernel/random", "/proc/sys/fs/pipe-max-size", "/proc/sys/crypto/fips_enabled",
			"/sys/devices/system/cpu", "/sys/devices/system/node", "/sys/kernel/mm/transparent_hugepage",
			"/sys/kernel/mm/hugepages",
			// Devices that give nothing of anybody's
			"/dev/null", "/dev/zero", "/dev/full", "/dev/urandom", "/dev/random")
		.map(Path::of)
		.toList();

	private SystemNeeds() {
	}

	static void addTo(NeededPaths paths) {
		Libraries.FOLDERS.forEach(paths::read);
		FILES.forEach(paths::read);
		// tzset(3): a name below the folder of time zones, or a path
		String zone = paths.variable("TZ").replaceFirst("^:", "");
		if (zone.startsWith("/")) {
			paths.read(paths.path(zone));
		}
		paths.read(paths.path(paths.variable("TZDIR")));
	}

	/** Whether a file is in one of the system's library folders. */
	static boolean isLibrary(Path file) {
		return Libraries.FOLDERS.stream().anyMatch(file::startsWith);
	}

	/** Without symbolic links. They do not change while this JVM runs. */
	private static final class Libraries {

		private static final Path CONFIGURATION = Path.of("/etc/ld.so.conf");

		private static final int MAX_INCLUSIONS = 8;

		static final Set<Path> FOLDERS = find();

		private static Set<Path> find() {
			Set<Path> folders = new LinkedHashSet<>();
			LIBRARIES.forEach((folder) -> add(Path.of(folder), folders));
			configured(CONFIGURATION, folders, 0);
			return folders;
		}

		private static void add(Path folder, Set<Path> folders) {
			Path real = NeededPaths.real(folder);
			if (real.getParent() != null && folders.stream().noneMatch(real::startsWith) && Files.isDirectory(real)) {
				folders.add(real);
			}
		}

		/** {@code ldconfig(8)}. */
		private static void configured(Path file, Set<Path> folders, int depth) {
			try (Stream<String> lines = Files.lines(file)) {
				for (String line : lines.map((text) -> text.replaceFirst("#.*", "").strip()).toList()) {
					if (line.startsWith("include ") && depth < MAX_INCLUSIONS) {
						include(file.resolveSibling(line.substring("include ".length()).strip()), folders, depth + 1);
					}
					else if (line.startsWith("/")) {
						add(Path.of(line), folders);
					}
				}
			}
			catch (IOException | RuntimeException ex) {
				// Another C library has no such file. What is not in it need not be read.
			}
		}

		private static void include(Path pattern, Set<Path> folders, int depth) throws IOException {
			Path folder = pattern.getParent();
			if (folder == null) {
				return;
			}
			try (DirectoryStream<Path> files = Files.newDirectoryStream(folder, pattern.getFileName().toString())) {
				files.forEach((file) -> configured(file, folders, depth));
			}
			catch (DirectoryIteratorException ex) {
				throw ex.getCause();
			}
		}

	}

}
