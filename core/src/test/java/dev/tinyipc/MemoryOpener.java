package dev.tinyipc;

import java.time.Duration;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;

/** Tests of the end that opens a memory lane, whose peer is the test itself. */
abstract class MemoryOpener {

	private final int ringSize;

	IpcSocketPair pair;

	/** The end under test. */
	IpcChannel channel;

	/** All of the memory, as a peer sees it that keeps to nothing. */
	MemoryView memory;

	MemoryOpener(int ringSize) {
		this.ringSize = ringSize;
	}

	@BeforeEach
	void open() throws Exception {
		this.pair = IpcSocket.pair();
		try (SharedMemory file = SharedMemory.create(MemoryLane.NAME)) {
			this.pair.parent().share(LaneMemory.create(file, this.ringSize));
			this.memory = new MemoryView(file);
		}
		this.channel = IpcChannel.over(this.pair.parent());
	}

	@AfterEach
	void close() throws Exception {
		this.pair.close();
		this.memory.close();
	}

	static Deadline inTime() {
		return Deadline.in(Duration.ofSeconds(20));
	}

}
