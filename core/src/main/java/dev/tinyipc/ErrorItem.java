package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Objects;

import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORGenerator;

/**
 * The body with which a peer answers a request that failed:
 *
 * <pre>
 * 0     1             5
 * +-----+-------------+--------------------------------+
 * | DA  | 49 50 53 45 | {"type": text, "message": text}|
 * +-----+-------------+--------------------------------+
 *   CBOR tag 1230000965
 * </pre>
 *
 * A peer may write the tag with a longer head, and put other tags around it.
 */
final class ErrorItem {

	static final int TAG = 1230000965;

	/** In both directions: more text would not help, and would fill a log. */
	static final int MAX_TEXT_LENGTH = 16 * 1024;

	private ErrorItem() {
	}

	/**
	 * Whether a body is an error item, well-formed or not.
	 * @param body from its position to its limit; both stay as they are
	 */
	static boolean isOne(ByteBuffer body) {
		return CborHead.contentOf(TAG, body) >= 0;
	}

	/**
	 * Reads an error item.
	 * @param wireSize bytes of the whole message
	 * @throws JacksonException if the tag encloses anything else
	 */
	static IpcException.Remote read(ByteBuffer body, long wireSize) {
		JsonNode content = Codec.cbor().reader(JsonNode.class).readValue(new ByteBufferBackedInputStream(body));
		JsonNode type = content.path("type");
		JsonNode message = content.path("message");
		if (!type.isString() || !message.isString()) {
			throw DatabindException.from((JsonParser) null,
					"The peer sent an error item (CBOR tag " + TAG + ") without the texts \"type\" and \"message\"");
		}
		return new IpcException.Remote(cut(type.stringValue()), cut(message.stringValue()), wireSize);
	}

	static void write(Throwable error, FrameBuffer target) {
		write(error.getClass().getName(), Objects.requireNonNullElse(error.getMessage(), ""), target);
	}

	static void write(String type, String message, FrameBuffer target) {
		try (CBORGenerator generator = (CBORGenerator) Codec.cbor().mapper().createGenerator(target)) {
			generator.writeTag(TAG);
			generator.writeStartObject(null, 2);
			generator.writeStringProperty("type", writable(type));
			generator.writeStringProperty("message", writable(message));
			generator.writeEndObject();
		}
	}

	/** Cuts a text, and replaces lone surrogates, which UTF-8 cannot express. */
	private static String writable(String text) {
		return new String(cut(text).getBytes(StandardCharsets.UTF_8), StandardCharsets.UTF_8);
	}

	private static String cut(String text) {
		if (text.length() <= MAX_TEXT_LENGTH) {
			return text;
		}
		boolean splits = Character.isHighSurrogate(text.charAt(MAX_TEXT_LENGTH - 1));
		return text.substring(0, splits ? MAX_TEXT_LENGTH - 1 : MAX_TEXT_LENGTH);
	}

}
