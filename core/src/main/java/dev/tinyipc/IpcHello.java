package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORGenerator;

/**
 * What a child has said that it can do: the first message of one that was invited, CBOR
 * tag 1230000970 around a map in which every key is optional.
 *
 * @param protocol the version of the wire format; 1 by default
 * @param envelope whether it repeats the numbers of requests, and knows methods and
 * headers
 * @param cancel whether it can be told that nobody waits for a reply any more
 * @param lanes how many exchanges it serves at a time, at least 1
 * @param methods the methods that it serves, of which the empty text stands for requests
 * without one; empty if it has not said
 * @param maxMessageSize the largest body that it accepts, in bytes; 0 if it has not said
 * @param stackSignal the signal on which it prints the stacks of its threads, and goes
 * on; 0 if there is none
 * @param memory whether messages can go through memory that both ends share
 * @param blocks how many bytes of a request it accepts in {@link SharedBlocks}; 0 if none
 */
public record IpcHello(int protocol, boolean envelope, boolean cancel, int lanes, Optional<List<String>> methods,
		long maxMessageSize, int stackSignal, boolean memory, long blocks) {

	static final int TAG = 1230000970;

	/** Of {@link IpcServer}. */
	static final int PROTOCOL = 2;

	/** {@code SIGRTMAX} of {@code signal(7)}. */
	private static final int LAST_SIGNAL = 64;

	/**
	 * Whether a body is a hello, well-formed or not.
	 * @param body from its position to its limit; both stay as they are
	 */
	static boolean isOne(ByteBuffer body) {
		return CborHead.contentOf(TAG, body) >= 0;
	}

	/**
	 * Reads a hello. Unknown keys are ignored.
	 * @throws JacksonException if it is malformed
	 */
	static IpcHello read(ByteBuffer body) {
		JsonNode content = Codec.cbor()
			.reader(JsonNode.class)
			.readValue(new ByteBufferBackedInputStream(body.duplicate()));
		if (!content.isObject()) {
			throw malformed("is not a map");
		}
		long protocol = number(content, "protocol", 1);
		flag(content, "ready");
		return new IpcHello((int) Math.min(protocol, Integer.MAX_VALUE), flag(content, "envelope"),
				flag(content, "cancel"), (int) Math.min(number(content, "lanes", 1), Integer.MAX_VALUE),
				Optional.ofNullable(methods(content.get("methods"))), number(content, "maxMessageSize", 0),
				signal(content), flag(content, "memory"), number(content, "blocks", 0));
	}

	private static int signal(JsonNode content) {
		long signal = number(content, "stackSignal", 0);
		if (signal > LAST_SIGNAL) {
			throw malformed("has a \"stackSignal\" that is not a signal, from 1 to " + LAST_SIGNAL);
		}
		return (int) signal;
	}

	private static boolean flag(JsonNode content, String key) {
		@Nullable JsonNode value = content.get(key);
		if (value != null && !value.isBoolean()) {
			throw malformed("has a \"" + key + "\" that is not a boolean");
		}
		return value != null && value.booleanValue();
	}

	private static long number(JsonNode content, String key, long byDefault) {
		@Nullable JsonNode value = content.get(key);
		if (value == null) {
			return byDefault;
		}
		if (!value.isIntegralNumber() || !value.canConvertToLong() || value.longValue() < 1) {
			throw malformed("has a \"" + key + "\" that is not a number from 1 to 2^63 - 1");
		}
		return value.longValue();
	}

	private static @Nullable List<String> methods(@Nullable JsonNode methods) {
		if (methods == null) {
			return null;
		}
		if (!methods.isArray() || !methods.valueStream().allMatch(JsonNode::isString)) {
			throw malformed("has \"methods\" that are not an array of texts");
		}
		return methods.valueStream().map(JsonNode::stringValue).toList();
	}

	private static DatabindException malformed(String what) {
		return DatabindException.from((JsonParser) null, "The peer sent a hello (CBOR tag " + TAG + ") that " + what);
	}

	void write(FrameBuffer target) {
		try (CBORGenerator generator = (CBORGenerator) Codec.cbor().mapper().createGenerator(target)) {
			generator.writeTag(TAG);
			generator.writeStartObject(this);
			generator.writeNumberProperty("protocol", this.protocol);
			generator.writeBooleanProperty("ready", true);
			generator.writeBooleanProperty("envelope", this.envelope);
			generator.writeBooleanProperty("cancel", this.cancel);
			generator.writeNumberProperty("lanes", this.lanes);
			if (this.methods.isPresent()) {
				generator.writeArrayPropertyStart("methods");
				this.methods.get().forEach(generator::writeString);
				generator.writeEndArray();
			}
			if (this.maxMessageSize > 0) {
				generator.writeNumberProperty("maxMessageSize", this.maxMessageSize);
			}
			if (this.stackSignal > 0) {
				generator.writeNumberProperty("stackSignal", this.stackSignal);
			}
			if (this.memory) {
				generator.writeBooleanProperty("memory", true);
			}
			if (this.blocks > 0) {
				generator.writeNumberProperty("blocks", this.blocks);
			}
			generator.writeEndObject();
		}
	}

}
