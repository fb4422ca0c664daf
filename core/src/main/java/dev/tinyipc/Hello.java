package dev.tinyipc;

import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORGenerator;

/**
 * The first message of a child that was invited to say what it can do: CBOR tag
 * 1230000970 around a map, in which every key is optional.
 *
 * @param protocol the version of the wire format; 1 by default
 * @param envelope whether the child answers an {@link Envelope} with one
 */
record Hello(int protocol, boolean envelope) {

	static final int TAG = 1230000970;

	/** What {@link IpcServer} can do. */
	static final Hello OURS = new Hello(2, true);

	/**
	 * Whether a body is a hello, well-formed or not.
	 * @param body from its position to its limit; both stay as they are
	 */
	static boolean isOne(ByteBuffer body) {
		return CborHead.contentOf(TAG, body) >= 0;
	}

	/**
	 * Reads a hello. Unknown keys are ignored.
	 * @throws JacksonException if the tag encloses anything else
	 */
	static Hello read(ByteBuffer body) {
		JsonNode content = Codec.cbor()
			.reader(JsonNode.class)
			.readValue(new ByteBufferBackedInputStream(body.duplicate()));
		@Nullable JsonNode protocol = content.get("protocol");
		@Nullable JsonNode envelope = content.get("envelope");
		if (!content.isObject() || (protocol != null && !protocol.canConvertToInt())
				|| (envelope != null && !envelope.isBoolean())) {
			throw DatabindException.from((JsonParser) null, "The peer sent a hello (CBOR tag " + TAG
					+ ") that is not a map, or whose \"protocol\" is not a number or \"envelope\" not a boolean");
		}
		return new Hello((protocol != null) ? protocol.intValue() : 1, envelope != null && envelope.booleanValue());
	}

	void write(FrameBuffer target) {
		try (CBORGenerator generator = (CBORGenerator) Codec.cbor().mapper().createGenerator(target)) {
			generator.writeTag(TAG);
			generator.writeStartObject(this, 2);
			generator.writeNumberProperty("protocol", this.protocol);
			generator.writeBooleanProperty("envelope", this.envelope);
			generator.writeEndObject();
		}
	}

}
