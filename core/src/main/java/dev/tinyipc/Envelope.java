package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.util.ByteBufferBackedInputStream;

/**
 * What may enclose a payload, so that a reply can name its request, and a request can say
 * more than its payload:
 *
 * <pre>
 * 0     1             5    6      9    10          18         26
 * +-----+-------------+----+------+----+-----------+-----------+---------+
 * | DA  | 49 50 53 46 | A2 | "id" | 1B | number    | "payload" | payload |
 * +-----+-------------+----+------+----+-----------+-----------+---------+
 *   CBOR tag 1230000966  map of 2   unsigned, 64 bits, big-endian
 * </pre>
 *
 * It is always written in this order, with {@code "method"} and {@code "headers"} before
 * the payload if there are any. A peer may write it in any other well-formed way, with
 * further keys.
 *
 * @param id the number of the exchange, unsigned; empty if there is none
 * @param method what to do with the payload; null if it does not say
 * @param headers the headers, unmodifiable
 * @param start where in the body the payload begins
 * @param end where the payload ends
 */
record Envelope(OptionalLong id, @Nullable String method, Map<String, String> headers, int start, int end) {

	static final long TAG = 1230000966;

	/** The header with the milliseconds that the caller will still wait. */
	static final String DEADLINE = "deadline-ms";

	/** The header with the bytes of the largest message with several elements. */
	static final String ELEMENTS = "elements";

	/** The header with the bytes that the reply may have in blocks. */
	static final String BLOCKS = "blocks";

	/** The numbers of replies whose blocks the requester still reads. */
	static final String UNREAD = "blocks-unread";

	/** Instead of those milliseconds: the caller waits as long as it takes. */
	static final long NO_DEADLINE = -1;

	/** The size of what precedes the payload of an answer. Nothing follows it. */
	static final int PREFIX_SIZE = 26;

	/** Of a method, or the name or value of a header: some of them fit any packet. */
	static final int MAX_TEXT_LENGTH = 1024;

	static final int MAX_HEADERS = 64;

	/** The tag as everybody writes it, in four bytes. */
	static final byte[] TAG_HEAD = { (byte) 0xda, 0x49, 0x50, 0x53, 0x46 };

	private static final byte[] ID_KEY = { 0x62, 'i', 'd' };

	private static final byte[] METHOD_KEY = { 0x66, 'm', 'e', 't', 'h', 'o', 'd' };

	private static final byte[] HEADERS_KEY = { 0x67, 'h', 'e', 'a', 'd', 'e', 'r', 's' };

	private static final byte[] DEADLINE_KEY = { 0x6b, 'd', 'e', 'a', 'd', 'l', 'i', 'n', 'e', '-', 'm', 's' };

	private static final byte[] PAYLOAD_KEY = { 0x67, 'p', 'a', 'y', 'l', 'o', 'a', 'd' };

	private static final byte ID_HEAD = 0x1b;

	/** A map of two. */
	private static final byte NUMBER_AND_PAYLOAD = (byte) 0xa2;

	private static final int ID_AT = 6;

	/**
	 * How large a message with several elements may be, for the reply to this request.
	 * @return bytes; 0 if there may be none
	 */
	int batchSize() {
		return size(ELEMENTS);
	}

	/**
	 * How much of the reply to this request may be in blocks. Those of earlier replies
	 * are no longer read if there may be some, unless they are among the
	 * {@link #unread()}.
	 * @return bytes; 0 if there may be none
	 */
	int blocksSize() {
		return size(BLOCKS);
	}

	/** The numbers of earlier requests whose replies are still being read. */
	Set<Long> unread() {
		String numbers = this.headers.get(UNREAD);
		if (numbers == null) {
			return Set.of();
		}
		try {
			return Stream.of(numbers.split(" ")).map(Long::parseUnsignedLong).collect(Collectors.toSet());
		}
		catch (NumberFormatException ex) {
			return Set.of(); // of a peer that does not mean us
		}
	}

	private int size(String header) {
		String size = this.headers.get(header);
		try {
			return (size != null) ? Integer.parseUnsignedInt(size) : 0;
		}
		catch (NumberFormatException ex) {
			return 0; // as if it were unknown
		}
	}

	/** What precedes the payload of an answer. */
	static int write(ByteBuffer target, int at, long id) {
		return write(target, at, id, null, Map.of(), NO_DEADLINE);
	}

	/**
	 * Writes what precedes a payload.
	 * @param at where the body begins
	 * @param id the number of the exchange
	 * @param method what to do with the payload; null to leave it out
	 * @param headers the headers, of which none is {@link #DEADLINE} if that is written
	 * @param deadlineMillis how long the caller will still wait, from 0, for the header
	 * {@link #DEADLINE}; {@link #NO_DEADLINE} to leave it out
	 * @return its size in bytes
	 */
	static int write(ByteBuffer target, int at, long id, @Nullable String method, Map<String, String> headers,
			long deadlineMillis) {
		int headerCount = headers.size() + ((deadlineMillis != NO_DEADLINE) ? 1 : 0);
		int end = put(target, at, TAG_HEAD);
		end += CborHead.write(target, end, CborHead.MAP, 2 + ((method != null) ? 1 : 0) + ((headerCount > 0) ? 1 : 0));
		end = put(target, end, ID_KEY);
		target.put(end, ID_HEAD);
		boolean reversed = target.order() == ByteOrder.LITTLE_ENDIAN;
		target.putLong(end + 1, reversed ? Long.reverseBytes(id) : id);
		end += 1 + Long.BYTES;
		if (method != null) {
			end = putText(target, put(target, end, METHOD_KEY), method);
		}
		if (headerCount > 0) {
			end = put(target, end, HEADERS_KEY);
			end += CborHead.write(target, end, CborHead.MAP, headerCount);
		}
		if (deadlineMillis != NO_DEADLINE) {
			end = putDecimal(target, put(target, end, DEADLINE_KEY), deadlineMillis);
		}
		if (!headers.isEmpty()) { // most have none, and even an iterator would be garbage
			for (Map.Entry<String, String> header : headers.entrySet()) {
				end = putText(target, putText(target, end, header.getKey()), header.getValue());
			}
		}
		return put(target, end, PAYLOAD_KEY) - at;
	}

	/** Refuses what no peer accepts as a method, or the name or value of a header. */
	static String checkSize(String text) {
		if (text.length() > MAX_TEXT_LENGTH) {
			throw new IllegalArgumentException("A method, or the name or value of a header, has at most "
					+ MAX_TEXT_LENGTH + " characters, not " + text.length() + ": send it in the payload");
		}
		return text;
	}

	private static int put(ByteBuffer target, int at, byte[] bytes) {
		target.put(at, bytes);
		return at + bytes.length;
	}

	private static int putText(ByteBuffer target, int at, String text) {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		return put(target, at + CborHead.write(target, at, CborHead.TEXT, bytes.length), bytes);
	}

	/** Writes a number as a text, without making one: each request has such a header. */
	private static int putDecimal(ByteBuffer target, int at, long number) {
		int digits = 1;
		for (long rest = number / 10; rest > 0; rest /= 10) {
			digits++;
		}
		int start = at + CborHead.write(target, at, CborHead.TEXT, digits);
		long rest = number;
		for (int i = digits - 1; i >= 0; i--) {
			target.put(start + i, (byte) ('0' + rest % 10));
			rest /= 10;
		}
		return start + digits;
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
		Envelope usual = EnvelopeReader.readUsual(body);
		if (usual != null) {
			return usual;
		}
		int content = CborHead.contentOf(TAG, body);
		return (content >= 0) ? readMap(body, content) : null;
	}

	/**
	 * Opens the envelope of an answer, if it is written as we write it, without making an
	 * object of it.
	 * @return the number of the exchange; 0 for anything else, which stays as it is
	 */
	static long openAnswer(ByteBuffer body) {
		int at = body.position();
		boolean usual = body.remaining() >= PREFIX_SIZE && isAt(body, at, TAG_HEAD)
				&& body.get(at + TAG_HEAD.length) == NUMBER_AND_PAYLOAD && isAt(body, at + ID_AT, ID_KEY)
				&& body.get(at + ID_AT + ID_KEY.length) == ID_HEAD
				&& isAt(body, at + PREFIX_SIZE - PAYLOAD_KEY.length, PAYLOAD_KEY);
		if (!usual) {
			return 0;
		}
		long id = CborHead.argument(body, at + ID_AT + ID_KEY.length);
		if (id != 0) {
			body.position(at + PREFIX_SIZE);
		}
		return id;
	}

	private static boolean isAt(ByteBuffer body, int at, byte[] bytes) {
		for (int i = 0; i < bytes.length; i++) {
			if (body.get(at + i) != bytes[i]) {
				return false;
			}
		}
		return true;
	}

	/**
	 * The size of what precedes the payload, if the body begins as we write it.
	 * @param start the first bytes of the body, or all of it
	 * @return 0 for anything else
	 */
	static int prefixSize(ByteBuffer start) {
		Envelope usual = EnvelopeReader.readUsual(start);
		return (usual != null) ? usual.start - start.position() : 0;
	}

	/**
	 * Opens the envelope, if the body is one, so that only the payload is left of it.
	 * @return the envelope; null for a bare payload
	 */
	static @Nullable Envelope open(ByteBuffer body) {
		Envelope envelope = read(body);
		if (envelope != null) {
			body.limit(envelope.end).position(envelope.start);
		}
		return envelope;
	}

	private static Envelope readMap(ByteBuffer body, int content) {
		// To the parser, a map in further tags is a map, too.
		if (content == body.limit() || CborHead.type(body.get(content)) != CborHead.MAP) {
			throw malformed("is not a map");
		}
		ByteBuffer map = body.duplicate().position(content);
		try (JsonParser parser = Codec.cbor().reader(Object.class).createParser(new ByteBufferBackedInputStream(map))) {
			parser.nextToken();
			OptionalLong id = OptionalLong.empty();
			String method = null;
			Map<String, String> headers = Map.of();
			int start = -1;
			int end = -1;
			while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
				String key = parser.currentName();
				parser.nextToken();
				switch (key) {
					case "id" -> id = OptionalLong.of(id(parser));
					case "method" -> method = text(parser, "a \"method\"");
					case "headers" -> headers = headers(parser, body, content);
					case "payload" -> start = content + (int) parser.currentTokenLocation().getByteOffset();
					default -> {
						// For a later version of the protocol.
					}
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
			return new Envelope(id, method, headers, start, end);
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

	private static Map<String, String> headers(JsonParser parser, ByteBuffer body, int content) {
		if (parser.currentToken() != JsonToken.START_OBJECT) {
			throw malformed("has \"headers\" that are not a map");
		}
		Map<String, String> headers = new LinkedHashMap<>();
		while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
			String name = parser.currentName();
			// The parser makes texts of keys that are numbers.
			int key = content + (int) parser.currentTokenLocation().getByteOffset();
			if (CborHead.type(body.get(key)) != CborHead.TEXT) {
				throw malformed("has a header whose name is not a text");
			}
			parser.nextToken();
			headers.put(name, text(parser, "a header"));
		}
		return Map.copyOf(headers);
	}

	private static String text(JsonParser parser, String what) {
		if (parser.currentToken() != JsonToken.VALUE_STRING) {
			throw malformed("has " + what + " that is not a text");
		}
		return parser.getString();
	}

	private static DatabindException malformed(String what) {
		return DatabindException.from((JsonParser) null,
				"The peer sent an envelope (CBOR tag " + TAG + ") that " + what);
	}

}
