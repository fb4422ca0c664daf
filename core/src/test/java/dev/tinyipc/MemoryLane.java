package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * Two ends of a memory lane, both in this process.
 *
 * @param opener the end that has created the memory
 * @param other the end that has been given it
 */
record MemoryLane(IpcSocket opener, IpcSocket other) implements Closeable {

	/** What the memory is called in the list of what this process has mapped. */
	static final String NAME = "memory-lane-of-a-test";

	/** Says whether conversations go through memory, here and in a {@link ChildJvm}. */
	static final String DEFAULT = "tinyipc.test.over-memory";

	/** Whether the conversations of tests go through memory, see {@link OverMemory}. */
	static boolean isTheDefault() {
		return Boolean.getBoolean(DEFAULT);
	}

	static MemoryLane open(int ringSize) throws IpcException {
		return over(IpcSocket.pair(), ringSize);
	}

	/** Over sockets that may have been used before. */
	static MemoryLane over(IpcSocketPair pair, int ringSize) throws IpcException {
		LaneMemory theirs = share(pair.parent(), ringSize);
		pair.child().share(theirs);
		return new MemoryLane(pair.parent(), pair.child());
	}

	/** Shares memory, and returns it as it is mapped for the other end. */
	static LaneMemory share(IpcSocket opener, int ringSize) throws IpcException {
		try (SharedMemory file = SharedMemory.create(NAME)) {
			opener.share(LaneMemory.create(file, ringSize));
			return LaneMemory.accept(file);
		}
	}

	IpcChannel openersChannel() {
		return IpcChannel.over(this.opener);
	}

	IpcChannel othersChannel() {
		return IpcChannel.over(this.other);
	}

	static boolean isMapped() throws IOException {
		return Files.readAllLines(Path.of("/proc/self/maps")).stream().anyMatch((line) -> line.contains(NAME));
	}

	@Override
	public void close() {
		this.opener.close();
		this.other.close();
	}

}
