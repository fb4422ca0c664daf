package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.BasicFileAttributes;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import org.jspecify.annotations.Nullable;

/**
 * What was read in files and folders, kept until they change, so that starting a child
 * again costs one {@code stat(2)} for each.
 *
 * @param <T> what is known of a file
 */
final class FileFacts<T> {

	/** More than any application has programs and jars. */
	private static final int MAX_FILES = 4096;

	private final Map<Path, Fact<T>> facts = new ConcurrentHashMap<>();

	private final Reader<T> reader;

	FileFacts(Reader<T> reader) {
		this.reader = reader;
	}

	/**
	 * What is known of a file.
	 * @param file a file or a folder; symbolic links are followed
	 * @throws IOException if there is none, or it cannot be read
	 */
	T of(Path file) throws IOException {
		BasicFileAttributes now = Files.readAttributes(file, BasicFileAttributes.class);
		Fact<T> known = this.facts.get(file);
		if (known != null && known.isOf(now)) {
			return known.value();
		}
		if (this.facts.size() >= MAX_FILES) {
			this.facts.clear();
		}
		T value = this.reader.read(file);
		this.facts.put(file, new Fact<>(now.fileKey(), now.lastModifiedTime(), now.size(), value));
		return value;
	}

	/** Reads a file. */
	interface Reader<T> {

		T read(Path file) throws IOException;

	}

	/** What was read, and what the file was like before. */
	private record Fact<T>(@Nullable Object key, FileTime modified, long size, T value) {

		boolean isOf(BasicFileAttributes now) {
			return now.size() == this.size && now.lastModifiedTime().equals(this.modified)
					&& (this.key == null || this.key.equals(now.fileKey()));
		}

	}

}
