package dev.tinyipc.interop;

import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;

import tools.jackson.databind.JsonNode;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Reads CBOR as RFC 8949 describes it, tags included, so that the tests depend on no code
 * that they test. Items are passed as their bytes.
 */
final class Cbor {

	static final int UNSIGNED = 0;

	static final int TEXT = 3;

	static final int ARRAY = 4;

	static final int MAP = 5;

	static final int TAG = 6;

	private static final int BYTES = 2;

	private static final int SIMPLE = 7;

	private static final int INDEFINITE = 31;

	private static final byte BREAK = (byte) 0xff;

	private static final byte FALSE = (byte) 0xf4;

	private static final byte TRUE = (byte) 0xf5;

	private static final byte NULL = (byte) 0xf6;

	private static final CBORMapper MAPPER = new CBORMapper();

	private Cbor() {
	}

	/** Checks that the body is exactly one item. */
	static void check(byte[] body) {
		ByteBuffer rest = ByteBuffer.wrap(body);
		try {
			skip(rest);
		}
		catch (BufferUnderflowException ex) {
			throw new Malformed("the item is longer than the body");
		}
		require(!rest.hasRemaining(), "another item follows");
	}

	static int type(byte[] item) {
		return (item[0] & 0xff) >> 5;
	}

	static boolean isNull(byte[] item) {
		return item.length == 1 && item[0] == NULL;
	}

	static boolean isBoolean(byte[] item) {
		return item.length == 1 && (item[0] == TRUE || item[0] == FALSE);
	}

	/** The argument of an item that is an unsigned number or a tag. */
	static long argument(byte[] item) {
		return argument(ByteBuffer.wrap(item, 1, item.length - 1), item[0] & INDEFINITE);
	}

	static boolean hasTag(byte[] item, long tag) {
		return type(item) == TAG && argument(item) == tag;
	}

	/** What a tag encloses. */
	static byte[] content(byte[] tagged) {
		ByteBuffer rest = ByteBuffer.wrap(tagged, 1, tagged.length - 1);
		argument(rest, tagged[0] & INDEFINITE);
		return Arrays.copyOfRange(tagged, rest.position(), tagged.length);
	}

	/** The values of a map whose keys are texts. Others are left out. */
	static Map<String, byte[]> entries(byte[] item, String what) {
		require(type(item) == MAP, what + " that is no map");
		Map<String, byte[]> entries = new LinkedHashMap<>();
		ByteBuffer rest = ByteBuffer.wrap(item, 1, item.length - 1);
		boolean endless = (item[0] & INDEFINITE) == INDEFINITE;
		long count = endless ? Long.MAX_VALUE : argument(rest, item[0] & INDEFINITE);
		for (long i = 0; i < count && !(endless && rest.get(rest.position()) == BREAK); i++) {
			byte[] key = next(rest);
			byte[] value = next(rest);
			if (type(key) == TEXT) {
				entries.put(value(key).stringValue(), value);
			}
		}
		return entries;
	}

	/** The items of an array. */
	static Iterable<byte[]> items(byte[] array) {
		Map<String, byte[]> items = new LinkedHashMap<>();
		ByteBuffer rest = ByteBuffer.wrap(array, 1, array.length - 1);
		boolean endless = (array[0] & INDEFINITE) == INDEFINITE;
		long count = endless ? Long.MAX_VALUE : argument(rest, array[0] & INDEFINITE);
		for (long i = 0; i < count && !(endless && rest.get(rest.position()) == BREAK); i++) {
			items.put(Long.toString(i), next(rest));
		}
		return items.values();
	}

	/** The value without its tags. */
	static JsonNode value(byte[] item) {
		return MAPPER.readTree(item);
	}

	static byte[] bytes(Object value) {
		return MAPPER.writeValueAsBytes(value);
	}

	/** A tag of 32 bits around an item. */
	static byte[] tagged(int tag, byte[] content) {
		return ByteBuffer.allocate(5 + content.length).put((byte) (TAG << 5 | 26)).putInt(tag).put(content).array();
	}

	/** A map with a number and an item. */
	static byte[] numbered(long id, byte[] payload) {
		ByteBuffer map = ByteBuffer.allocate(1 + 3 + 9 + 8 + payload.length);
		map.put((byte) (MAP << 5 | 2)).put((byte) (TEXT << 5 | 2)).put("id".getBytes(StandardCharsets.US_ASCII));
		map.put((byte) (UNSIGNED << 5 | 27)).putLong(id);
		map.put((byte) (TEXT << 5 | 7)).put("payload".getBytes(StandardCharsets.US_ASCII));
		return map.put(payload).array();
	}

	private static byte[] next(ByteBuffer rest) {
		int start = rest.position();
		skip(rest);
		return Arrays.copyOfRange(rest.array(), start, rest.position());
	}

	private static void skip(ByteBuffer rest) {
		int first = rest.get() & 0xff;
		int type = first >> 5;
		if ((first & INDEFINITE) == INDEFINITE) {
			skipToBreak(rest, type);
			return;
		}
		long argument = argument(rest, first & INDEFINITE);
		switch (type) {
			case BYTES, TEXT -> {
				require(argument >= 0 && argument <= rest.remaining(), "a string is longer than the body");
				rest.position(rest.position() + (int) argument);
			}
			case ARRAY, MAP, TAG -> {
				long items = (type == TAG) ? 1 : argument;
				require(items >= 0 && items <= rest.remaining(), "a collection is longer than the body");
				for (long i = 0; i < ((type == MAP) ? 2 * items : items); i++) {
					skip(rest);
				}
			}
			default -> require(type != SIMPLE || first != 0xf8 || argument >= 32, "a simple value that is too long");
		}
	}

	private static void skipToBreak(ByteBuffer rest, int type) {
		require(type >= BYTES && type <= MAP, "an item that has no indefinite length");
		while (rest.get(rest.position()) != BREAK) {
			int part = rest.get(rest.position()) & 0xff;
			require(type > TEXT || (part >> 5 == type && (part & INDEFINITE) != INDEFINITE), "a part of another type");
			skip(rest);
			if (type == MAP) {
				skip(rest);
			}
			if (!rest.hasRemaining()) {
				throw new BufferUnderflowException();
			}
		}
		rest.get();
	}

	private static long argument(ByteBuffer rest, int info) {
		return switch (info) {
			case 24 -> rest.get() & 0xffL;
			case 25 -> rest.getShort() & 0xffffL;
			case 26 -> rest.getInt() & 0xffff_ffffL;
			case 27 -> rest.getLong();
			default -> {
				require(info < 24, "a reserved head");
				yield info;
			}
		};
	}

	static void require(boolean condition, String otherwise) {
		if (!condition) {
			throw new Malformed(otherwise);
		}
	}

	/** It is not what the wire format says that it is. */
	static final class Malformed extends RuntimeException {

		Malformed(String message) {
			super(message);
		}

	}

}
