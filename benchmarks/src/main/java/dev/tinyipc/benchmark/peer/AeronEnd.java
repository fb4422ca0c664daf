package dev.tinyipc.benchmark.peer;

import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

import io.aeron.Aeron;
import io.aeron.ExclusivePublication;
import io.aeron.Subscription;
import io.aeron.logbuffer.FragmentHandler;
import org.agrona.DirectBuffer;
import org.agrona.concurrent.UnsafeBuffer;

/** One end of an Aeron IPC channel, with a stream for each direction. */
final class AeronEnd implements AutoCloseable {

	private static final String CHANNEL = "aeron:ipc?term-length=1m";

	private static final int TO_CHILD = 1;

	private static final int TO_PARENT = 2;

	/**
	 * After so many nanoseconds without a message, an end leaves the processor to those
	 * whose turn it is.
	 */
	private static final long PATIENCE = 20_000_000;

	/** How long it then sleeps between two looks, in nanoseconds. */
	private static final long NAP = 1_000_000;

	private static final int TURNS_BETWEEN_LOOKS = 10_000;

	private final Aeron aeron;

	private final ExclusivePublication outgoing;

	private final Subscription incoming;

	private final FragmentHandler handler;

	/** The last message that came. */
	private final UnsafeBuffer received = new UnsafeBuffer(new byte[1024]);

	private AeronEnd(String folder, boolean parent) {
		this.aeron = Aeron.connect(new Aeron.Context().aeronDirectoryName(folder));
		this.outgoing = this.aeron.addExclusivePublication(CHANNEL, parent ? TO_CHILD : TO_PARENT);
		this.incoming = this.aeron.addSubscription(CHANNEL, parent ? TO_PARENT : TO_CHILD);
		this.handler = (buffer, offset, length, header) -> this.received.putBytes(0, buffer, offset, length);
	}

	static AeronEnd parent(String folder) {
		return new AeronEnd(folder, true);
	}

	static AeronEnd child(String folder) {
		return new AeronEnd(folder, false);
	}

	/** Asks until there is room, and until somebody listens. */
	void send(DirectBuffer message, int length) {
		while (this.outgoing.offer(message, 0, length) < 0) {
			Thread.onSpinWait();
		}
	}

	/** Asks until a message comes. */
	UnsafeBuffer receive() {
		receive(() -> true);
		return this.received;
	}

	/**
	 * Asks until a message comes, or that makes no sense any more.
	 * @return whether one came
	 */
	boolean receive(BooleanSupplier goesOn) {
		long begun = 0;
		boolean idle = false;
		for (int turns = 1; this.incoming.poll(this.handler, 1) == 0; turns++) {
			if (!goesOn.getAsBoolean()) {
				return false;
			}
			if (idle) {
				LockSupport.parkNanos(NAP);
			}
			else if (turns % TURNS_BETWEEN_LOOKS != 0) {
				Thread.onSpinWait();
			}
			else if (begun == 0) {
				begun = System.nanoTime(); // which is not asked while messages come
			}
			else {
				idle = System.nanoTime() - begun > PATIENCE;
			}
		}
		return true;
	}

	UnsafeBuffer received() {
		return this.received;
	}

	@Override
	public void close() {
		this.aeron.close();
	}

}
