package dev.tinyipc.spring.test;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * A body, taken out of its envelope. See {@code docs/wire-format.md}.
 *
 * @param id the number of the exchange; null for a bare message
 * @param method the method that a request names; empty if it names none
 * @param payload the request or the answer itself, in CBOR
 */
record Message(@Nullable Long id, String method, byte[] payload) {

	private static final CBORMapper CBOR = new CBORMapper();

	private static final byte[] ERROR = HexFormat.of().parseHex("da49505345");

	private static final byte[] ENVELOPE = HexFormat.of().parseHex("da49505346");

	private static final byte[] ELEMENT = HexFormat.of().parseHex("da49505347");

	private static final byte[] ELEMENTS = HexFormat.of().parseHex("da4950534b");

	private static final byte[] CANCEL = HexFormat.of().parseHex("da49505349");

	private static final byte[] READ = HexFormat.of().parseHex("da4950534d");

	private static final byte[] HELLO = HexFormat.of().parseHex("da4950534a");

	/** Of an envelope, up to the number. */
	private static final byte[] ID = HexFormat.of().parseHex("da49505346a26269641b");

	private static final byte[] PAYLOAD = HexFormat.of().parseHex("677061796c6f6164");

	/** A byte string whose length has four bytes. */
	private static final byte BYTES = 0x5a;

	/** Whether it is about the reply that is due, and no request. */
	static boolean isRemark(byte[] body) {
		return startsWith(body, CANCEL) || startsWith(body, READ);
	}

	static boolean isHello(byte[] body) {
		return startsWith(body, HELLO);
	}

	/**
	 * A hello that does not say that its sender shares memory: what goes through memory
	 * cannot be seen on the way.
	 */
	static byte[] withoutMemory(byte[] hello) {
		try {
			Map<?, ?> content = CBOR.readValue(hello, HELLO.length, hello.length - HELLO.length, Map.class);
			if (content == null || content.remove("memory") == null) {
				return hello;
			}
			byte[] map = CBOR.writeValueAsBytes(content);
			return ByteBuffer.allocate(HELLO.length + map.length).put(HELLO).put(map).array();
		}
		catch (JacksonException ex) {
			return hello; // malformed, which is up to its receiver
		}
	}

	/** Whether others follow that belong to the same answer. */
	boolean isElement() {
		return startsWith(this.payload, ELEMENT) || startsWith(this.payload, ELEMENTS);
	}

	private static boolean startsWith(byte[] body, byte[] start) {
		return body.length >= start.length && Arrays.equals(body, 0, start.length, start, 0, start.length);
	}

	/** Opens the envelope, if there is one. */
	static Message read(byte[] body) {
		if (!startsWith(body, ENVELOPE)) {
			return new Message(null, "", body);
		}
		Long id = null;
		String method = "";
		byte[] payload = new byte[0];
		int map = ENVELOPE.length;
		// Of a stream, the parser counts from 0.
		InputStream content = new ByteArrayInputStream(body, map, body.length - map);
		try (JsonParser parser = CBOR.createParser(content)) {
			parser.nextToken();
			while (parser.nextToken() == JsonToken.PROPERTY_NAME) {
				String key = parser.currentName();
				parser.nextToken();
				int start = map + (int) parser.currentTokenLocation().getByteOffset();
				if (key.equals("id")) {
					id = parser.getBigIntegerValue().longValue();
				}
				else if (key.equals("method")) {
					method = parser.getString();
				}
				parser.skipChildren();
				parser.finishToken();
				if (key.equals("payload")) {
					payload = Arrays.copyOfRange(body, start, map + (int) parser.currentLocation().getByteOffset());
				}
			}
		}
		return new Message(id, method, payload);
	}

	/** The body of an answer with another payload, and the same number. */
	byte[] with(byte[] other) {
		if (this.id == null) {
			return other;
		}
		return ByteBuffer.allocate(ID.length + Long.BYTES + PAYLOAD.length + other.length)
			.put(ID)
			.putLong(this.id)
			.put(PAYLOAD)
			.put(other)
			.array();
	}

	/** The payload of an error. */
	static byte[] error(String type, String message) {
		byte[] map = CBOR.writeValueAsBytes(Map.of("type", type, "message", message));
		return ByteBuffer.allocate(ERROR.length + map.length).put(ERROR).put(map).array();
	}

	/** A byte string of a length, with nothing but zeros. */
	static byte[] bytes(int length) {
		return ByteBuffer.allocate(1 + Integer.BYTES + length).put(BYTES).putInt(length).array();
	}

	/** Requests with the same one are the same. */
	String key() {
		return this.method + '\n' + new String(this.payload, StandardCharsets.ISO_8859_1);
	}

}
