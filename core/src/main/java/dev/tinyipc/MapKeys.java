package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.Arrays;

import org.jspecify.annotations.Nullable;

/**
 * Proves that the keys of maps are unique, by hashes of their bytes: keys whose hashes
 * differ are different. Equal hashes prove nothing, so a peer that makes them equal on
 * purpose only loses the proof.
 *
 * <p>
 * Maps that follow each other on one level mostly have the same keys in the same order. A
 * key with the hash of the one at its place in the map before needs no other comparison.
 */
final class MapKeys {

	/** In one map. Comparing more takes longer than the proof saves. */
	static final int MAX_KEYS = 32;

	/** Room for the keys of most maps. */
	private static final int USUAL_KEYS = 8;

	/** Of the items that the maps are in. */
	static final int MAX_DEPTH = 16;

	/** What cannot be compared. */
	static final long NO_HASH = 0;

	private static final long HASH_OF_EMPTY = 1;

	/** 2^64 divided by the golden ratio. */
	private static final long FACTOR = 0x9e3779b97f4a7c15L;

	/** By depth, of the last map there and what is left of those before it. */
	private final @Nullable Level[] levels = new Level[MAX_DEPTH];

	private boolean areUnique = true;

	/**
	 * Begins a body. What is left of the one before is of use: the maps of the next one
	 * often have the same keys.
	 */
	void begin() {
		this.areUnique = true;
	}

	/** Whether this is proven for all maps up to now. */
	boolean areUnique() {
		return this.areUnique;
	}

	/** Adds a key that cannot be compared: nothing is proven any more. */
	void addUnknown() {
		this.areUnique = false;
	}

	/**
	 * Adds the next key of a map.
	 * @param depth the map's
	 * @param index how many keys of the map were added before
	 */
	void add(int depth, long index, long hash) {
		if (this.areUnique) {
			this.areUnique = depth < MAX_DEPTH && index < MAX_KEYS && hash != NO_HASH
					&& level(depth).add((int) index, hash);
		}
	}

	private Level level(int depth) {
		Level level = this.levels[depth];
		if (level == null) {
			level = new Level();
			this.levels[depth] = level;
		}
		return level;
	}

	/**
	 * Hashes a key. It does not matter how its length is encoded.
	 * @param start where its text begins
	 * @param end where it ends
	 * @return above 0 for ASCII, below 0 for other text, which is still to be checked, or
	 * {@link #NO_HASH}, as for text with a NUL: with that in front the parser can take a
	 * key for another
	 */
	static long hash(ByteBuffer body, int start, int end) {
		int length = end - start;
		if (length == 0) {
			return HASH_OF_EMPTY;
		}
		if (end < Long.BYTES) {
			return NO_HASH;
		}
		long last = Utf8.lastBytes(body, end, Math.min(length, Long.BYTES));
		if (length <= Long.BYTES) {
			return hash(mixed(length, last), last, Utf8.zeroes(last));
		}
		return hash(body, start, end, last);
	}

	private static long hash(ByteBuffer body, int start, int end, long last) {
		long hash = mixed(end - start, last);
		long all = last;
		long zeroes = Utf8.zeroes(last);
		for (int at = start; at < end - Long.BYTES; at += Long.BYTES) {
			long bytes = body.getLong(at);
			hash = mixed(hash, bytes);
			all |= bytes;
			zeroes |= Utf8.zeroes(bytes);
		}
		return hash(hash, all, zeroes);
	}

	private static long mixed(long hash, long bytes) {
		long mixed = (hash ^ bytes) * FACTOR;
		return mixed ^ mixed >>> Integer.SIZE;
	}

	private static long hash(long mixed, long all, long zeroes) {
		if (zeroes != 0) {
			return NO_HASH;
		}
		return Utf8.isAscii(all) ? mixed >>> 1 | 1 : mixed | Long.MIN_VALUE;
	}

	private static final class Level {

		private long[] hashes = new long[USUAL_KEYS];

		/** So many of the hashes, from the first, differ from each other. */
		private int distinct;

		/** Whether a key differs from those before it, whose hashes are the first. */
		boolean add(int index, long hash) {
			if (index < this.distinct && this.hashes[index] == hash) {
				return true;
			}
			for (int i = 0; i < index; i++) {
				if (this.hashes[i] == hash) {
					return false;
				}
			}
			if (index == this.hashes.length) {
				this.hashes = Arrays.copyOf(this.hashes, 2 * index);
			}
			this.hashes[index] = hash;
			this.distinct = index + 1;
			return true;
		}

	}

}
