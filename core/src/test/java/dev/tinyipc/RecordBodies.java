package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.lang.reflect.Array;
import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.UUID;

import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.node.JsonNodeFactory;
import tools.jackson.dataformat.cbor.CBORMapper;

/** Makes records, and bodies that are nearly what Jackson writes for them. */
final class RecordBodies {

	private static final CBORMapper PLAIN = new CBORMapper();

	/** Null, undefined, text, numbers, true, an empty array, an empty map, bytes. */
	private static final List<String> ODD_VALUES = List.of("f6", "f7", "6131", "60", "00", "20", "fb3ff8000000000000",
			"f5", "80", "a0", "4101", "c11a5c000000", "bfff", "81a161610b");

	private static final int MAX_DEPTH = 4;

	private final Random random;

	/** Of 1 000 places, how many are changed. */
	private final int changes;

	RecordBodies(Random random, int changes) {
		this.random = random;
		this.changes = changes;
	}

	/** A value of a type. */
	Object sample(JavaType type, int depth) throws ReflectiveOperationException {
		Class<?> raw = type.getRawClass();
		if (raw.isRecord()) {
			return (depth < MAX_DEPTH) ? record(type, depth) : null;
		}
		if (raw.isSealed()) {
			return sample(PLAIN.constructType(raw.getPermittedSubclasses()[this.random.nextInt(2)]), depth);
		}
		if (raw == byte[].class) {
			return bytes();
		}
		if (raw.isArray()) {
			Object array = Array.newInstance(raw.componentType(), 2);
			for (int i = 0; i < 2; i++) {
				Array.set(array, i, sample(type.getContentType(), depth + 1));
			}
			return array;
		}
		if (raw.isEnum()) {
			return raw.getEnumConstants()[this.random.nextInt(raw.getEnumConstants().length)];
		}
		return (type.getContentType() != null) ? container(type, depth) : scalar(raw);
	}

	private Object record(JavaType type, int depth) throws ReflectiveOperationException {
		RecordComponent[] components = type.getRawClass().getRecordComponents();
		Object[] values = new Object[components.length];
		for (int i = 0; i < values.length; i++) {
			values[i] = sample(
					PLAIN.getTypeFactory().resolveMemberType(components[i].getGenericType(), type.getBindings()),
					depth + 1);
		}
		Class<?>[] types = Arrays.stream(components).map(RecordComponent::getType).toArray(Class[]::new);
		Constructor<?> constructor = type.getRawClass().getDeclaredConstructor(types);
		constructor.setAccessible(true);
		try {
			return constructor.newInstance(values);
		}
		catch (InvocationTargetException ex) { // it does not like one of the values
			return record(type, depth);
		}
	}

	private Object container(JavaType type, int depth) throws ReflectiveOperationException {
		List<Object> content = new ArrayList<>();
		for (int i = this.random.nextInt(3); i > 0; i--) {
			content.add(sample(type.getContentType(), depth + 1));
		}
		if (Map.class.isAssignableFrom(type.getRawClass())) {
			Map<Object, Object> map = new LinkedHashMap<>();
			content.forEach((value) -> map.put("key" + map.size(), value));
			return map;
		}
		if (type.getRawClass() == Optional.class) {
			return content.isEmpty() ? Optional.empty() : Optional.ofNullable(content.get(0));
		}
		return content;
	}

	private byte[] bytes() {
		byte[] bytes = new byte[this.random.nextInt(30)];
		this.random.nextBytes(bytes);
		return bytes;
	}

	private Object scalar(Class<?> type) {
		int number = this.random.nextInt(4) == 0 ? this.random.nextInt() : this.random.nextInt(20);
		return switch (type.getSimpleName()) {
			case "int", "Integer" -> number;
			case "long", "Long" -> this.random.nextBoolean() ? this.random.nextLong() : (long) number;
			case "short", "Short" -> (short) number;
			case "byte", "Byte" -> (byte) number;
			case "char", "Character" -> (char) ('a' + (number & 15));
			case "boolean", "Boolean" -> this.random.nextBoolean();
			case "float", "Float" -> number / 4f;
			case "double", "Double" -> number / 8d;
			case "Instant" -> Instant.ofEpochSecond(number, this.random.nextInt(1_000_000_000));
			case "Duration" -> Duration.ofMillis(number);
			case "BigDecimal" -> BigDecimal.valueOf(number, 3);
			case "BigInteger" -> BigInteger.valueOf(number).pow(3);
			case "UUID" -> new UUID(number, number);
			case "JsonNode" -> JsonNodeFactory.instance.objectNode().put("any", number);
			default -> "größe".repeat(number & 7);
		};
	}

	/**
	 * A body of a value, as a mapper names its parts. It may be one that cannot be read.
	 */
	byte[] body(Object value, CBORMapper mapper) {
		ByteArrayOutputStream body = new ByteArrayOutputStream();
		write(PLAIN.readTree(mapper.writeValueAsBytes(value)), body);
		byte[] bytes = body.toByteArray();
		if (bytes.length > 0 && changes()) {
			bytes[this.random.nextInt(bytes.length)] ^= (byte) (1 << this.random.nextInt(8));
		}
		return changes() ? Arrays.copyOf(bytes, this.random.nextInt(bytes.length + 1)) : bytes;
	}

	private boolean changes() {
		return this.random.nextInt(1000) < this.changes;
	}

	private void write(JsonNode node, ByteArrayOutputStream body) {
		if (changes()) {
			body.writeBytes(HexFormat.of().parseHex(ODD_VALUES.get(this.random.nextInt(ODD_VALUES.size()))));
		}
		else if (node.isObject()) {
			writeMap(node, body);
		}
		else if (node.isArray()) {
			boolean indefinite = this.random.nextBoolean();
			head(CborHead.ARRAY, indefinite ? -1 : node.size(), body);
			node.forEach((element) -> write(element, body));
			end(indefinite, body);
		}
		else {
			body.writeBytes(PLAIN.writeValueAsBytes(node));
		}
	}

	private void writeMap(JsonNode node, ByteArrayOutputStream body) {
		List<Map.Entry<String, JsonNode>> entries = new ArrayList<>(node.properties());
		if (this.random.nextInt(4) == 0) {
			Collections.shuffle(entries, this.random);
		}
		if (changes() && !entries.isEmpty()) {
			entries.remove(this.random.nextInt(entries.size()));
		}
		if (changes() && !entries.isEmpty()) {
			entries.add(this.random.nextInt(entries.size()), entries.get(this.random.nextInt(entries.size())));
		}
		if (changes()) {
			entries.add(this.random.nextInt(entries.size() + 1),
					Map.entry("unknown" + this.random.nextInt(3), JsonNodeFactory.instance.objectNode().put("a", 1)));
		}
		boolean indefinite = this.random.nextBoolean();
		head(CborHead.MAP, indefinite ? -1 : entries.size(), body);
		for (Map.Entry<String, JsonNode> entry : entries) {
			key(entry.getKey(), body);
			write(entry.getValue(), body);
		}
		end(indefinite, body);
	}

	/** A text in the shortest form or a longer one, or in parts. */
	private void key(String key, ByteArrayOutputStream body) {
		byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
		switch (this.random.nextInt(20)) {
			case 0 -> body.writeBytes(ByteBuffer.allocate(3).put((byte) 0x79).putShort((short) bytes.length).array());
			case 1 -> {
				head(CborHead.TEXT, -1, body);
				head(CborHead.TEXT, bytes.length, body);
				body.writeBytes(bytes);
				end(true, body);
				return;
			}
			default -> head(CborHead.TEXT, bytes.length, body);
		}
		body.writeBytes(bytes);
	}

	private static void head(int type, int count, ByteArrayOutputStream body) {
		if (count < 24) {
			body.write(type << 5 | count & 0x1f);
		}
		else {
			body.write(type << 5 | 24);
			body.write(count);
		}
	}

	private static void end(boolean indefinite, ByteArrayOutputStream body) {
		if (indefinite) {
			body.write(0xff);
		}
	}

}
