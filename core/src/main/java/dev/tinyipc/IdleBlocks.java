package dev.tinyipc;

import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * Gives the memory of blocks back that nobody has used for a while, in a thread that is
 * there as long as there are blocks.
 */
final class IdleBlocks {

	/** How long blocks are kept for the next message. */
	private static final long KEPT_NANOS = TimeUnit.SECONDS.toNanos(10);

	private static final long PAUSE_MILLIS = 5000;

	private static final Set<Holder> HOLDERS = new HashSet<>();

	private static boolean running;

	private IdleBlocks() {
	}

	/** Called when somebody has blocks. */
	static void watch(Holder holder) {
		synchronized (HOLDERS) {
			HOLDERS.add(holder);
			if (!running) {
				Thread thread = new Thread(IdleBlocks::run, "tiny-ipc-blocks");
				thread.setDaemon(true);
				thread.setContextClassLoader(IdleBlocks.class.getClassLoader());
				thread.start();
				running = true;
			}
		}
	}

	private static void run() {
		while (pause()) {
			Set<Holder> holders;
			synchronized (HOLDERS) {
				holders = Set.copyOf(HOLDERS);
			}
			for (Holder holder : holders) {
				dropFrom(holder);
			}
		}
	}

	/** Returns whether there is anybody to look after. */
	private static boolean pause() {
		synchronized (HOLDERS) {
			try {
				HOLDERS.wait(PAUSE_MILLIS);
			}
			catch (InterruptedException ex) {
				// Nobody has a reason to, and the blocks are still there.
			}
			running = !HOLDERS.isEmpty();
			return running;
		}
	}

	private static void dropFrom(Holder holder) {
		// The order of locks is that of watch: a holder's own, and then this one.
		synchronized (holder) {
			if (holder.drop(KEPT_NANOS)) {
				forget(holder);
			}
		}
	}

	/** Called with the holder's lock, when it has no blocks any more. */
	static void forget(Holder holder) {
		synchronized (HOLDERS) {
			if (HOLDERS.remove(holder) && HOLDERS.isEmpty()) {
				HOLDERS.notifyAll();
			}
		}
	}

	/** Has blocks, and a monitor that protects them. */
	interface Holder {

		/**
		 * Gives back what nobody has used for a while.
		 * @return whether nothing is left
		 */
		boolean drop(long unusedForNanos);

	}

}
