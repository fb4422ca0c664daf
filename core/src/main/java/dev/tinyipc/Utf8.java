package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * Text in bytes as RFC 3629 has it, which Jackson's parser for CBOR does not insist on.
 */
final class Utf8 {

	private static final long HIGH_BITS = 0x8080808080808080L;

	private Utf8() {
	}

	/**
	 * Whether bytes are UTF-8.
	 * @param start where they begin in the buffer
	 * @param end where they end
	 */
	static boolean isValid(ByteBuffer text, int start, int end) {
		int at = start;
		while (at < end) {
			if (end - at >= Long.BYTES && (text.getLong(at) & HIGH_BITS) == 0) {
				at += Long.BYTES;
			}
			else if (end - at < Long.BYTES && end >= Long.BYTES && (lastBytes(text, end, end - at) & HIGH_BITS) == 0) {
				return true;
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

	/** Up to eight bytes, in one that may begin before them. */
	private static long lastBytes(ByteBuffer text, int end, int count) {
		long last = text.getLong(end - Long.BYTES);
		int others = Long.SIZE - count * Byte.SIZE;
		return (text.order() == ByteOrder.LITTLE_ENDIAN) ? last >>> others : last << others;
	}

}
