package dev.tinyipc.demo.web;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.OwnedFd;
import jakarta.servlet.ServletContext;

import org.springframework.stereotype.Component;
import org.springframework.web.multipart.MultipartFile;

import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.READ;

/** Turns uploads into open files without a name. */
@Component
class Uploads {

	private final Path directory;

	Uploads(ServletContext servletContext) {
		// Where the server stores uploads, so that moving one only renames it.
		this.directory = ((File) servletContext.getAttribute(ServletContext.TEMPDIR)).toPath();
	}

	/**
	 * Opens an upload and removes it from the disk.
	 * @param upload the upload, which cannot be used afterwards
	 * @return the file, to be closed by the caller
	 * @throws IOException if the disk is full, for example
	 */
	OwnedFd open(MultipartFile upload) throws IOException {
		Path file = Files.createTempFile(this.directory, "thumbnail-", null);
		try {
			upload.transferTo(file.toFile());
			return OwnedFd.open(file, READ, DELETE_ON_CLOSE);
		}
		finally {
			Files.deleteIfExists(file);
		}
	}

}
