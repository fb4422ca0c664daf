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

	private static boolean isLongValid(ByteBuffer text, int start, int end) {
		int at = start;
		while (end - at > BLOCK && isAscii(text, at, at + BLOCK)) {
			at += BLOCK;
		}
		return isAscii(text, end - BLOCK, end) ? end - at <= BLOCK || hasCharacters(text, at, end)
				: hasCharacters(text, at, end);
	}

	private static boolean hasCharacters(ByteBuffer text, int start, int end) {
		int at = start;
		while (at < end) {
			if (end - at >= Long.BYTES && isAscii(text.getLong(at))) {
				at += Long.BYTES;
			}
			else {
				int size = characterSize(text, at, end);
				if (size == 0) {
					return false;
				}
				at += size;
			}
		}
		return true;
	}

	/** Bytes of the character at a place, by RFC 3629, 4; 0 if there is none. */
	private static int characterSize(ByteBuffer text, int at, int end) {
		int first = text.get(at);
		if (first >= 0) {
			return 1;
		}
		int lead = first & 0xff;
		int size = (lead < 0xc2) ? 0 : (lead < 0xe0) ? 2 : (lead < 0xf0) ? 3 : (lead < 0xf5) ? 4 : 0;
		if (size == 0 || end - at < size) {
			return 0;
		}
		int second = text.get(at + 1) & 0xff;
		// Overlong forms, surrogates and what is above U+10FFFF are seen in the second.
		int lowest = (lead == 0xe0) ? 0xa0 : (lead == 0xf0) ? 0x90 : 0x80;
		int highest = (lead == 0xed) ? 0x9f : (lead == 0xf4) ? 0x8f : 0xbf;
		if (second < lowest || second > highest) {
			return 0;
		}
		for (int i = 2; i < size; i++) {
			if ((text.get(at + i) & 0xc0) != 0x80) {
				return 0;
			}
		}
		return size;
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
