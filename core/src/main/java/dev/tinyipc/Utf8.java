package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Text in bytes as RFC 3629 has it, which Jackson's parser for CBOR does not insist on.
 */
final class Utf8 {

	private static final long HIGH_BITS = 0x8080808080808080L;

	private static final long LOW_BITS = 0x0101010101010101L;

	/** What is read in one go. */
	private static final int BLOCK = 4 * Long.BYTES;

	private Utf8() {
	}

	/**
	 * Whether bytes are UTF-8.
	 * @param start where they begin in the buffer
	 * @param end where they end
	 */
	static boolean isValid(ByteBuffer text, int start, int end) {
		return (end - start <= BLOCK) ? isAscii(text, start, end) || hasCharacters(text, start, end)
				: isLongValid(text, start, end);
	}

	/** Small enough to be compiled into the loop over a map's keys and values. */
	private static boolean isAscii(ByteBuffer text, int start, int end) {
		int length = end - start;
		if (length < Long.BYTES) {
			return length == 0 || (end >= Long.BYTES && isAscii(lastBytes(text, end, length)));
		}
		long bytes = text.getLong(start) | text.getLong(end - Long.BYTES);
		if (length > 2 * Long.BYTES) {
			bytes |= text.getLong(start + Long.BYTES) | text.getLong(end - 2 * Long.BYTES);
		}
		return isAscii(bytes);
	}

	/** Of more than a block. */
	private static boolean isLongValid(ByteBuffer text, int start, int end) {
		int at = start;
		while (end - at > BLOCK && isAscii(text, at, at + BLOCK)) {
			at += BLOCK;
		}
		return (end - at <= BLOCK && isAscii(text, end - BLOCK, end)) || hasCharacters(text, at, end);
	}

	private static boolean hasCharacters(ByteBuffer text, int start, int end) {
		int at = start;
		while (at < end) {
			long bytes = bytes(text, at, end);
			int ascii = Long.numberOfTrailingZeros(bytes & HIGH_BITS) / Byte.SIZE;
			int size = (ascii > 0) ? ascii : characterSize((int) bytes);
			if (size == 0) {
				return false;
			}
			at += size;
			// Characters of three bytes come in a row, and the next one is there, too.
			if (size == 3 && characterSize((int) (bytes >>> 3 * Byte.SIZE)) == 3) {
				at += 3;
			}
		}
		return true;
	}

	/** Eight bytes, the first one lowest; 0 is in place of those behind the end. */
	private static long bytes(ByteBuffer text, int at, int end) {
		if (end - at >= Long.BYTES) {
			long bytes = text.getLong(at);
			return (text.order() == ByteOrder.LITTLE_ENDIAN) ? bytes : Long.reverseBytes(bytes);
		}
		long bytes = 0;
		for (int i = end - 1; i >= at; i--) {
			bytes = bytes << Byte.SIZE | (text.get(i) & 0xff);
		}
		return bytes;
	}

	/**
	 * Bytes of a character that is not ASCII, by RFC 3629, 4; 0 if it is none. Overlong
	 * forms, surrogates and what is above U+10FFFF are seen in the first two bytes.
	 * @param bytes four, the first one lowest
	 */
	private static int characterSize(int bytes) {
		if ((bytes & 0xc0c0f0) == 0x8080e0) {
			int bits = bytes & 0x200f;
			return (bits != 0 && bits != 0x200d) ? 3 : 0;
		}
		if ((bytes & 0xc0e0) == 0x80c0) {
			return ((bytes & 0x1e) != 0) ? 2 : 0;
		}
		if ((bytes & 0xc0c0c0f8) == 0x808080f0) {
			int lead = bytes & 0x7;
			boolean isLow = (bytes & 0x3000) == 0;
			return ((lead == 0) ? !isLow : (lead < 4 || (lead == 4 && isLow))) ? 4 : 0;
		}
		return 0;
	}

	/** Whether none of eight bytes has its high bit. */
	static boolean isAscii(long bytes) {
		return (bytes & HIGH_BITS) == 0;
	}

	/** Not 0 if one of eight bytes is; 0 if none is. */
	static long zeroes(long bytes) {
		return (bytes - LOW_BITS) & ~bytes & HIGH_BITS;
	}

	/**
	 * Up to eight bytes, in one read that may begin before them.
	 * @param end where they end, at least 8 behind the beginning of the buffer
	 * @param count of them, at least 1. The others are 1
	 */
	static long lastBytes(ByteBuffer text, int end, int count) {
		int others = Long.SIZE - count * Byte.SIZE;
		long mask = (text.order() == ByteOrder.LITTLE_ENDIAN) ? -1L << others : -1L >>> others;
		return (text.getLong(end - Long.BYTES) & mask) | (LOW_BITS & ~mask);
	}

}
