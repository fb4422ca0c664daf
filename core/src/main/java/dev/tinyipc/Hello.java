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
 * 1230000970 around a map, of which every key may be missing.
 *
 * @param protocol the version of the wire format; 1 if it does not say
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
	 * Reads a hello. Keys that are not known are ignored.
	 * @throws JacksonException if there is something else behind the tag
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
					+ ") that is no map, or whose \"protocol\" is no number or \"envelope\" no boolean");
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
