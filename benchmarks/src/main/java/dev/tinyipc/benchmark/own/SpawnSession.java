package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.time.Duration;

import dev.tinyipc.IpcProcess;
import dev.tinyipc.benchmark.Contender;

/** From the start of a child to its first answer. */
final class SpawnSession implements Contender.Session {

	private final Starter starter;

	private final RawMessage message = new RawMessage(64);

	SpawnSession(Starter starter) {
		this.starter = starter;
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		long operations = 0;
		long timed = 0;
		long end = System.nanoTime() + duration.toNanos();
		do {
			long start = System.nanoTime();
			try (IpcProcess child = this.starter.start()) {
				this.message.send(child.socket());
				this.message.receive(child.socket());
				timed += System.nanoTime() - start;
				operations++;
				child.socket().close();
				child.waitFor();
			}
		}
		while (System.nanoTime() < end);
		return new Contender.Result(operations, timed);
	}

	@Override
	public void close() {
		// Each child has ended by then.
	}

	/** Starts a child that echoes packets. */
	@FunctionalInterface
	interface Starter {

		IpcProcess start() throws IOException;

	}

}
