package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.util.ByteBufferBackedInputStream;

/**
 * What may enclose a payload, so that a reply can name its request:
 *
 * <pre>
 * 0     1             5    6      9    10          18         26
 * +-----+-------------+----+------+----+-----------+-----------+---------+
 * | DA  | 49 50 53 46 | A2 | "id" | 1B | number    | "payload" | payload |
 * +-----+-------------+----+------+----+-----------+-----------+---------+
 *   CBOR tag 1230000966  map of 2   unsigned, 64 bits, big-endian
 * </pre>
 *
 * It is always written like this; only the number differs. A peer may write it in any
 * other well-formed way, with further keys.
 *
 * @param id the number of the exchange, unsigned; empty if there is none
 * @param start where in the body the payload begins
 * @param end where the payload ends
 */
record Envelope(OptionalLong id, int start, int end) {

	static final long TAG = 1230000966;

	/** The size of what precedes the payload. Nothing follows it. */
	static final int PREFIX_SIZE = 26;

	private static final byte[] PREFIX = { (byte) 0xda, 0x49, 0x50, 0x53, 0x46, (byte) 0xa2, 0x62, 'i', 'd', 0x1b, 0, 0,
			0, 0, 0, 0, 0, 0, 0x67, 'p', 'a', 'y', 'l', 'o', 'a', 'd' };

	private static final int ID_HEAD = 9;

	private static final int KEY_OF_PAYLOAD = 18;

	/**
	 * Writes what precedes a payload.
	 * @param at where the body begins
	 * @param id the number of the exchange
	 */
	static void writePrefix(ByteBuffer target, int at, long id) {
		target.put(at, PREFIX);
		boolean reversed = target.order() == ByteOrder.LITTLE_ENDIAN;
		target.putLong(at + ID_HEAD + 1, reversed ? Long.reverseBytes(id) : id);
	}

	/**
	 * Reads an envelope.
	 * @param body from its position to its limit; both stay as they are
	 * @return null if the body is a bare payload
	 * @throws JacksonException if the tag encloses anything else
	 */
	static @Nullable Envelope read(ByteBuffer body) {
		if (!body.hasRemaining() || CborHead.type(body.get(body.position())) != CborHead.TAG) {
			return null;
		}
		Envelope usual = readPrefix(body);
		if (usual != null) {
			return usual;
		}
		int content = CborHead.contentOf(TAG, body);
		return (content >= 0) ? readMap(body, content) : null;
	}

	/**
	 * The size of what precedes the payload, if the body begins as we write it.
	 * @param start the first bytes of the body, or all of it
	 * @return 0 for anything else
	 */
	static int prefixSize(ByteBuffer start) {
		Envelope usual = readPrefix(start);
		return (usual != null) ? usual.start : 0;
	}

	/**
	 * Opens the envelope, if the body is one, so that only the payload is left of it.
	 * @return the number of the exchange; empty if there is none, as with a bare payload
	 */
	static OptionalLong open(ByteBuffer body) {
		Envelope envelope = read(body);
		if (envelope == null) {
			return OptionalLong.empty();
		}
		body.limit(envelope.end).position(envelope.start);
		return envelope.id;
	}

	/**
	 * Reads the form that we write, but with a number of any width, as others write it.
	 */
	private static @Nullable Envelope readPrefix(ByteBuffer body) {
		int start = body.position();
		int idHead = start + ID_HEAD;
		if (!matches(body, start, 0, ID_HEAD) || !CborHead.isAt(body, idHead)
				|| CborHead.type(body.get(idHead)) != CborHead.UNSIGNED) {
			return null;
		}
		int key = idHead + CborHead.size(body.get(idHead));
		if (!matches(body, key, KEY_OF_PAYLOAD, PREFIX_SIZE)) {
			return null;
		}
		return new Envelope(OptionalLong.of(CborHead.argument(body, idHead)), key + PREFIX_SIZE - KEY_OF_PAYLOAD,
				body.limit());
	}

	private static boolean matches(ByteBuffer body, int at, int from, int to) {
		if (body.limit() - at < to - from) {
			return false;
		}
		for (int i = from; i < to; i++) {
			if (body.get(at + i - from) != PREFIX[i]) {
				return false;
			}
		}
		return true;
	}

	private static Envelope readMap(ByteBuffer body, int content) {
		ByteBuffer map = body.duplicate().position(content);
		try (JsonParser parser = Codec.cbor().reader(Object.class).createParser(new ByteBufferBackedInputStream(map))) {
			if (parser.nextToken() != JsonToken.START_OBJECT) {
				throw malformed("is not a map");
			}
			OptionalLong id = OptionalLong.empty();
			int start = -1;
			int end = -1;
			while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
				String key = parser.currentName();
				parser.nextToken();
				if (key.equals("id")) {
					id = OptionalLong.of(id(parser));
				}
				else if (key.equals("payload")) {
					start = content + (int) parser.currentTokenLocation().getByteOffset();
				}
				parser.skipChildren();
				parser.finishToken();
				if (key.equals("payload")) {
					end = content + (int) parser.currentLocation().getByteOffset();
				}
			}
			if (start < 0) {
				throw malformed("has no \"payload\"");
			}
			if (parser.nextToken() != null) {
				throw malformed("is followed by another item");
			}
			return new Envelope(id, start, end);
		}
	}

	private static long id(JsonParser parser) {
		boolean unsigned = parser.currentToken() == JsonToken.VALUE_NUMBER_INT
				&& parser.getBigIntegerValue().signum() >= 0 && parser.getBigIntegerValue().bitLength() <= Long.SIZE;
		if (!unsigned) {
			throw malformed("has an \"id\" that is not an unsigned number of 64 bits");
		}
		return parser.getBigIntegerValue().longValue();
	}

	private static DatabindException malformed(String what) {
		return DatabindException.from((JsonParser) null,
				"The peer sent an envelope (CBOR tag " + TAG + ") that " + what);
	}

}
