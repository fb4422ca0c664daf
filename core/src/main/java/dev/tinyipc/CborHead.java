package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * What every CBOR data item begins with (RFC 8949, 3): three bits of type, and an
 * argument in the other five bits or in the 1, 2, 4 or 8 bytes that follow.
 */
final class CborHead {

	static final int UNSIGNED = 0;

	static final int NEGATIVE = 1;

	static final int BYTES = 2;

	static final int TEXT = 3;

	static final int ARRAY = 4;

	static final int MAP = 5;

	static final int TAG = 6;

	static final int SIMPLE = 7;

	/** Instead of an argument: the items up to a break belong together. */
	static final int INDEFINITE = 31;

	/** The first byte of a simple value that follows in a byte of its own. */
	static final int SIMPLE_IN_ONE = 0xf8;

	private static final int INFO_MASK = 0x1f;

	private static final int FIRST_IN_BYTES = 24;

	private static final int LAST_IN_BYTES = 27;

	private CborHead() {
	}

	/** The major type. */
	static int type(byte first) {
		return (first & 0xff) >> 5;
	}

	/** The argument itself, or the code for how many bytes it follows in. */
	static int info(byte first) {
		return first & INFO_MASK;
	}

	/** The size in bytes, including the first. It is 1 if there is no argument. */
	static int size(byte first) {
		int info = info(first);
		return (info < FIRST_IN_BYTES || info > LAST_IN_BYTES) ? 1 : 1 + (1 << (info - FIRST_IN_BYTES));
	}

	/**
	 * Whether an item can begin with this byte: not with a reserved one, and with an
	 * indefinite length only if it is a string, an array or a map. A break is not an
	 * item.
	 */
	static boolean canBegin(byte first) {
		int info = info(first);
		return info <= LAST_IN_BYTES || (info == INDEFINITE && type(first) >= BYTES && type(first) <= MAP);
	}

	/** Whether there is a complete head with an argument. */
	static boolean isAt(ByteBuffer body, int at) {
		return isAt(body, at, body.limit());
	}

	/** The same, before a place that may come before the limit. */
	static boolean isAt(ByteBuffer body, int at, int end) {
		return at < end && info(body.get(at)) <= LAST_IN_BYTES && end - at >= size(body.get(at));
	}

	/**
	 * The argument, unsigned.
	 * @param at where a complete head begins
	 */
	static long argument(ByteBuffer body, int at) {
		byte first = body.get(at);
		return switch (info(first)) {
			case FIRST_IN_BYTES -> body.get(at + 1) & 0xffL;
			case FIRST_IN_BYTES + 1 -> bigEndian(body, body.getShort(at + 1), Short.SIZE);
			case FIRST_IN_BYTES + 2 -> bigEndian(body, body.getInt(at + 1), Integer.SIZE);
			case LAST_IN_BYTES -> bigEndian(body, body.getLong(at + 1), Long.SIZE);
			default -> info(first);
		};
	}

	private static long bigEndian(ByteBuffer body, long read, int bits) {
		boolean reversed = body.order() == ByteOrder.LITTLE_ENDIAN;
		return (reversed ? Long.reverseBytes(read) : read << (Long.SIZE - bits)) >>> (Long.SIZE - bits);
	}

	/**
	 * Writes a head in the shortest form.
	 * @param argument unsigned, of up to 31 bits
	 * @return its size in bytes
	 */
	static int write(ByteBuffer target, int at, int type, int argument) {
		int size = (argument < FIRST_IN_BYTES) ? 0 : (argument < 1 << 8) ? 1 : (argument < 1 << 16) ? 2 : 4;
		int info = (size == 0) ? argument : FIRST_IN_BYTES + Integer.numberOfTrailingZeros(size);
		target.put(at, (byte) (type << 5 | info));
		for (int i = 1; i <= size; i++) {
			target.put(at + i, (byte) (argument >> 8 * (size - i)));
		}
		return 1 + size;
	}

	/**
	 * Finds the item that a tag encloses, if the body begins with that tag, or with
	 * others around it. A body without a tag costs one comparison.
	 * @param body from its position to its limit; both stay as they are
	 * @return where the item begins, or -1
	 */
	static int contentOf(long tag, ByteBuffer body) {
		int at = body.position();
		while (at < body.limit() && type(body.get(at)) == TAG) {
			if (!isAt(body, at)) {
				return -1; // the parser will report it
			}
			if (argument(body, at) == tag) {
				return at + size(body.get(at));
			}
			at += size(body.get(at));
		}
		return -1;
	}

	/**
	 * The sizes of items that are only a head and are right anywhere, such as numbers, by
	 * their first byte; 0 for all other first bytes.
	 */
	static byte[] plainSizes() {
		byte[] sizes = new byte[1 << Byte.SIZE];
		for (int type : new int[] { UNSIGNED, NEGATIVE }) {
			for (int info = 0; info <= LAST_IN_BYTES; info++) {
				sizes[type << 5 | info] = (byte) size((byte) (type << 5 | info));
			}
		}
		for (int first = SIMPLE << 5; first <= (SIMPLE << 5 | LAST_IN_BYTES); first++) {
			sizes[first] = (byte) ((first == SIMPLE_IN_ONE) ? 0 : size((byte) first));
		}
		return sizes;
	}

}
