package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** A path for a Unix-domain socket, in a folder that only this user may enter. */
record SocketFile(Path path) implements AutoCloseable {

	static SocketFile create() throws IOException {
		return new SocketFile(Files.createTempDirectory("peer").resolve("socket"));
	}

	@Override
	public void close() throws IOException {
		Files.deleteIfExists(this.path);
		Files.delete(this.path.getParent());
	}

}
