package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;

/**
 * Native memory for frames that are too large for what each socket keeps. It is shared by
 * all sockets, and some is kept for the next large frame: fresh memory costs more time
 * than to write it, because the kernel has to clear each page first.
 */
final class LargeMemory {

	/** What is kept at most, in bytes. The rest goes back to the system at once. */
	static final int MAX_KEPT = 64 * 1024 * 1024;

	/** Blocks have few sizes, so that one fits again. */
	private static final int UNIT = 1024 * 1024;

	/** The one that was used last is the first: it may still be in the cache. */
	private static final Deque<NativeBuffer> KEPT = new ArrayDeque<>();

	private static int kept;

	private LargeMemory() {
	}

	/** A block of at least so many bytes, whose content is undefined. */
	static NativeBuffer take(int capacity) {
		NativeBuffer block = find(capacity);
		return (block != null) ? block : NativeBuffer.allocate(roundUp(capacity));
	}

	private static int roundUp(int capacity) {
		long units = ((long) capacity + UNIT - 1) / UNIT;
		return (int) Math.min(units * UNIT, Integer.MAX_VALUE);
	}

	private static synchronized @Nullable NativeBuffer find(int capacity) {
		for (Iterator<NativeBuffer> blocks = KEPT.iterator(); blocks.hasNext();) {
			NativeBuffer block = blocks.next();
			if (block.capacity() >= capacity) {
				blocks.remove();
				kept -= block.capacity();
				return block;
			}
		}
		return null;
	}

	static synchronized void giveBack(NativeBuffer block) {
		if (block.capacity() > MAX_KEPT) {
			block.free();
			return;
		}
		while (kept + block.capacity() > MAX_KEPT) {
			NativeBuffer oldest = KEPT.removeLast();
			kept -= oldest.capacity();
			oldest.free();
		}
		KEPT.addFirst(block);
		kept += block.capacity();
	}

	/** For tests: the bytes that are kept. */
	static synchronized int kept() {
		return kept;
	}

}
