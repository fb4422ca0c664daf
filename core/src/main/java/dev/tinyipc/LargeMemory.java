package dev.tinyipc;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.Iterator;

import org.jspecify.annotations.Nullable;

/**
 * Native memory for frames that are larger than what each socket keeps. All sockets share
 * it, and some is kept for the next large frame: fresh memory costs more time than
 * writing to it, because the kernel has to clear each page first.
 */
final class LargeMemory {

	/** How many bytes are kept at most. The rest is freed at once. */
	static final int MAX_KEPT = 64 * 1024 * 1024;

	/** Blocks come in few sizes, so that one fits again. */
	private static final int UNIT = 1024 * 1024;

	/** Most recently used first: that one may still be in the cache. */
	private static final Deque<NativeBuffer> KEPT = new ArrayDeque<>();

	private static int kept;

	private LargeMemory() {
	}

	/** Takes a block of at least the given size, with undefined content. */
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
