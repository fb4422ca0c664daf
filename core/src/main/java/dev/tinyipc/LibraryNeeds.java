package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;

/**
 * The libraries of a program that are not the system's: those that {@code ld.so(8)} finds
 * in the folders which the program, its libraries or {@code LD_LIBRARY_PATH} name.
 */
final class LibraryNeeds {

	private static final FileFacts<ElfFile> FILES = new FileFacts<>(LibraryNeeds::readElf);

	private static final ElfFile UNKNOWN = new ElfFile(null, List.of(), List.of());

	private final NeededPaths paths;

	/** What names no folder of its own is looked up in those of the program, too. */
	private final Set<Path> folders = new LinkedHashSet<>();

	private final Set<Path> seen = new HashSet<>();

	LibraryNeeds(NeededPaths paths) {
		this.paths = paths;
		Stream.of(paths.variable("LD_LIBRARY_PATH").split("[:;]"))
			.map(paths::path)
			.filter(Objects::nonNull)
			.forEach(this.folders::add);
		this.folders.forEach(paths::readUnlessShared);
		for (String library : paths.variable("LD_PRELOAD").split("[: ]")) {
			if (library.contains("/")) {
				add(paths.path(library));
			}
		}
	}

	/**
	 * Adds a program or a library, and the libraries that it needs.
	 * @param file an absolute path; of a program, without symbolic links
	 */
	void add(@Nullable Path file) {
		if (file == null || !this.seen.add(file)) {
			return;
		}
		this.paths.read(file);
		if (SystemNeeds.isLibrary(NeededPaths.real(file))) {
			return; // and so are its own
		}
		ElfFile elf = elf(file);
		for (String folder : elf.folders()) {
			Path path = path(folder, file);
			if (path != null && this.folders.add(path)) {
				this.paths.readUnlessShared(path);
			}
		}
		for (String library : elf.libraries()) {
			add(library.contains("/") ? path(library, file) : find(library));
		}
	}

	/** What a file says. Of one that is malformed, the kernel or the loader will tell. */
	static ElfFile elf(Path file) {
		try {
			return FILES.of(file);
		}
		catch (IOException ex) {
			return UNKNOWN;
		}
	}

	/**
	 * Whether a file is a program or a library, not a script.
	 * @throws IOException if it cannot be read, or is malformed
	 */
	static boolean isElf(Path file) throws IOException {
		return FILES.of(file) != UNKNOWN;
	}

	private static ElfFile readElf(Path file) throws IOException {
		ElfFile elf = ElfFile.read(file);
		return (elf != null) ? elf : UNKNOWN;
	}

	/** Null if it is one of the system's, or nowhere. */
	private @Nullable Path find(String library) {
		return this.folders.stream()
			.map((folder) -> folder.resolve(library))
			.filter(Files::isRegularFile)
			.findFirst()
			.orElse(null);
	}

	private @Nullable Path path(String path, Path file) {
		Path origin = Objects.requireNonNull(file.getParent());
		String expanded = path.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", origin.toString());
		Path resolved = expanded.contains("$") ? null : this.paths.path(expanded);
		return (resolved != null) ? NeededPaths.real(resolved) : null;
	}

}
