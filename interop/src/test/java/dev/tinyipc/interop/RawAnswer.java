package dev.tinyipc.interop;

import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;
import tools.jackson.databind.node.ObjectNode;

import static dev.tinyipc.interop.Cbor.require;
import static org.assertj.core.api.Assertions.assertThat;

/**
 * A message of a child, read strictly by the wire format.
 *
 * @param what it is
 * @param id the number of its envelope, unsigned; null without one
 * @param value the reply, the element, or the texts of the error
 * @param descriptors how many came with it, which are closed
 */
record RawAnswer(What what, @Nullable Long id, JsonNode value, int descriptors) {

	static final int ERROR_ITEM = 1230000965;

	static final int ENVELOPE = 1230000966;

	static final int ELEMENT = 1230000967;

	static final int END = 1230000968;

	static final int CANCEL = 1230000969;

	static final int HELLO = 1230000970;

	static final int ELEMENTS = 1230000971;

	enum What {

		REPLY, ELEMENT, ELEMENTS, END, ERROR

	}

	/**
	 * Reads the body of an answer.
	 * @throws Cbor.Malformed if a parent must refuse it
	 */
	static RawAnswer read(byte[] body, int descriptors) {
		Cbor.check(body);
		if (!Cbor.hasTag(body, ENVELOPE)) {
			return read(null, body, descriptors);
		}
		Map<String, byte[]> envelope = Cbor.entries(Cbor.content(body), "an envelope");
		require(envelope.containsKey("payload"), "an envelope without a payload");
		byte[] id = envelope.get("id");
		require(id == null || Cbor.type(id) == Cbor.UNSIGNED, "a number that is not unsigned");
		byte[] method = envelope.get("method");
		require(method == null || Cbor.type(method) == Cbor.TEXT, "a method that is no text");
		if (envelope.containsKey("headers")) {
			Cbor.entries(envelope.get("headers"), "headers")
				.forEach((key, value) -> require(Cbor.type(value) == Cbor.TEXT, "a header that is no text"));
		}
		return read((id != null) ? (Long) Cbor.argument(id) : null, envelope.get("payload"), descriptors);
	}

	private static RawAnswer read(@Nullable Long id, byte[] item, int descriptors) {
		require(!Cbor.hasTag(item, ENVELOPE), "an envelope in an envelope");
		if (Cbor.hasTag(item, ELEMENT)) {
			return new RawAnswer(What.ELEMENT, id, Cbor.value(Cbor.content(item)), descriptors);
		}
		if (Cbor.hasTag(item, ELEMENTS)) {
			JsonNode elements = Cbor.value(Cbor.content(item));
			require(elements.isArray() && !elements.isEmpty(), "elements that are no array of at least one");
			return new RawAnswer(What.ELEMENTS, id, elements, descriptors);
		}
		if (Cbor.hasTag(item, END)) {
			require(Cbor.isNull(Cbor.content(item)), "an end that is not null");
			return new RawAnswer(What.END, id, Cbor.value(Cbor.content(item)), descriptors);
		}
		byte[] error = enclosed(item, ERROR_ITEM);
		if (error != null) {
			Map<String, byte[]> texts = Cbor.entries(error, "an error");
			for (String key : List.of("type", "message")) {
				require(texts.containsKey(key) && Cbor.type(texts.get(key)) == Cbor.TEXT, "an error without " + key);
			}
			return new RawAnswer(What.ERROR, id, Cbor.value(error), descriptors);
		}
		return new RawAnswer(What.REPLY, id, Cbor.value(item), descriptors);
	}

	void assertError(@Nullable Long id) {
		assertThat(this.what).as(toString()).isEqualTo(What.ERROR);
		assertThat(this.id).isEqualTo(id);
		assertThat(this.descriptors).isZero();
	}

	void assertCancelled(@Nullable Long id) {
		assertError(id);
		assertThat(this.value.path("type").stringValue()).isEqualTo("Cancelled");
	}

	/**
	 * Reads the body of a hello.
	 * @return its keys, without those that nobody knows; null if it is no hello
	 * @throws Cbor.Malformed if a parent must refuse it
	 */
	static @Nullable JsonNode readHello(byte[] body) {
		Cbor.check(body);
		byte[] content = enclosed(body, HELLO);
		if (content == null) {
			return null;
		}
		ObjectNode keys = JsonMapper.shared().createObjectNode();
		Cbor.entries(content, "a hello").forEach((key, value) -> {
			boolean known = true;
			switch (key) {
				case "protocol" -> require(Cbor.type(value) == Cbor.UNSIGNED, "a protocol that is no number");
				case "lanes", "maxMessageSize" -> require(Cbor.type(value) == Cbor.UNSIGNED && Cbor.argument(value) > 0,
						key + " that is no number from 1");
				case "stackSignal" ->
					require(Cbor.type(value) == Cbor.UNSIGNED && Cbor.argument(value) > 0 && Cbor.argument(value) <= 64,
							"a stackSignal that is no signal");
				case "ready", "envelope", "cancel", "memory" ->
					require(Cbor.isBoolean(value), key + " that is no boolean");
				case "methods" -> {
					require(Cbor.type(value) == Cbor.ARRAY, "methods that are no array");
					Cbor.items(value)
						.forEach((item) -> require(Cbor.type(item) == Cbor.TEXT, "a method that is no text"));
				}
				default -> known = false;
			}
			if (known) {
				keys.set(key, Cbor.value(value));
			}
		});
		return keys;
	}

	/** What the tag encloses, which may be below others, or null. */
	private static byte @Nullable [] enclosed(byte[] item, long tag) {
		byte[] inner = item;
		while (Cbor.type(inner) == Cbor.TAG) {
			if (Cbor.hasTag(inner, tag)) {
				return Cbor.content(inner);
			}
			inner = Cbor.content(inner);
		}
		return null;
	}

}
