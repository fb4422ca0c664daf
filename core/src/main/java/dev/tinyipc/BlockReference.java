package dev.tinyipc;

import java.nio.ByteBuffer;

/**
 * What a payload has in place of a byte string whose data is in a block: a tag around an
 * array of the index of the block's descriptor, an offset and a length.
 */
final class BlockReference {

	static final int TAG = 1230000972;

	/** Unsigned numbers. */
	static final int NUMBERS = 3;

	private BlockReference() {
	}

	/**
	 * Whether a payload is one, and nothing else.
	 * @param body from its position to its limit; both stay as they are
	 */
	static boolean isIn(ByteBuffer body) {
		return CborHead.contentOf(TAG, body) >= 0;
	}

	/**
	 * Writes the reference to the start of a block.
	 * @return its size in bytes
	 */
	static int write(ByteBuffer target, int at, int block, int length) {
		int end = at + CborHead.write(target, at, CborHead.TAG, TAG);
		end += CborHead.write(target, end, CborHead.ARRAY, NUMBERS);
		end += CborHead.write(target, end, CborHead.UNSIGNED, block);
		end += CborHead.write(target, end, CborHead.UNSIGNED, 0);
		return end + CborHead.write(target, end, CborHead.UNSIGNED, length) - at;
	}

}
