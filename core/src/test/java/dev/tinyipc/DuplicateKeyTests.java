package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ObjectReader;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A key that is there twice is refused, however it is written, and no other. */
@Timeout(120)
class DuplicateKeyTests {

	private static final int BODIES = 3000;

	private static final List<String> KEYS = List.of("", "a", "b", "id", "name", "1", "-1", "größe", "€😀", "\0", "\0a",
			"\0\0a", "a\0", "\0name", "aaaa\0b", "aaaab", "12345678", "123456789", "x".repeat(23), "x".repeat(24),
			"x".repeat(25), "x".repeat(255), "x".repeat(256));

	/** As a socket uses it, for one body after the other. */
	private static final CborCheck USED = new CborCheck();

	private static final List<Class<?>> TYPES = List.of(Object.class, JsonNode.class, Map.class, Named.class,
			Bean.class);

	private static final ObjectReader STRICT = new CBORMapper().reader()
		.with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
		.with(StreamReadFeature.STRICT_DUPLICATE_DETECTION);

	record Named(Object id, Object name, Object b) {
	}

	/** Whose names the parser compares without making texts of them. */
	static final class Bean {

		public Object a;

		public Object b;

		public Object name;

		@Override
		public boolean equals(Object other) {
			return other instanceof Bean bean && Objects.equals(this.a, bean.a) && Objects.equals(this.b, bean.b)
					&& Objects.equals(this.name, bean.name);
		}

		@Override
		public int hashCode() {
			return Objects.hash(this.a, this.b, this.name);
		}

	}

	@ParameterizedTest
	@ValueSource(longs = { 1, 2, 3, 4 })
	void bodyIsReadOrRefusedAsByTheStrictReader(long seed) throws Exception {
		Random random = new Random(seed);
		int refused = 0;
		int proven = 0;
		try (IpcSocketPair pair = Conversation.pair()) {
			IpcChannel channel = IpcChannel.over(pair.child());
			for (int i = 0; i < BODIES; i++) {
				byte[] body = new Maps(random).body();
				Class<?> type = TYPES.get(random.nextInt(TYPES.size()));
				Object expected = read(() -> STRICT.forType(type).readValue(body));
				RawSender.sendFrame(pair.parent(), body);
				assertThat(read(() -> channel.receive(type).payload())).as(HexFormat.of().formatHex(body))
					.isEqualTo(expected);
				refused += (expected instanceof Refusal) ? 1 : 0;
				proven += isProven(body) ? 1 : 0;
			}
		}
		assertThat(refused).isGreaterThan(BODIES / 20);
		assertThat(proven).isGreaterThan(BODIES / 20);
	}

	private record Refusal() {
	}

	@FunctionalInterface
	private interface Read {

		Object read() throws Exception;

	}

	private static Object read(Read read) throws Exception {
		try {
			return read.read();
		}
		catch (JacksonException ex) {
			return new Refusal();
		}
	}

	@Test
	void uniqueKeysAreProven() {
		assertThat(isProven("05")).isTrue();
		assertThat(isProven("a0")).isTrue();
		assertThat(isProven("a2616101616202")).isTrue();
		assertThat(isProven("a3600161610262616103")).isTrue();
		assertThat(isProven("bf616101616202ff")).isTrue();
		assertThat(isProven("a262c3a40162c3b602")).isTrue();
		assertThat(isProven("a1616101".repeat(1))).isTrue();
		assertThat(isProven("83" + "a2616101616202" + "a2616201616102" + "a2616101616302")).isTrue();
		assertThat(isProven("a26161a26161016162026162a2616101616202")).isTrue();
		assertThat(isProven("a27818" + "61".repeat(24) + "01" + "7818" + "61".repeat(23) + "6201")).isTrue();
		assertThat(isProven(keys(MapKeys.MAX_KEYS))).isTrue();
	}

	@Test
	void whatIsNotProvenIsReadByTheStrictReader() {
		assertThat(isProven("a2616101616102")).isFalse();
		assertThat(isProven("a261610178016102")).isFalse();
		assertThat(isProven("a10101")).isFalse();
		assertThat(isProven("a17f6161ff01")).isFalse();
		assertThat(isProven("a1c1616101")).isFalse();
		assertThat(isProven("a1610001")).isFalse();
		assertThat(isProven("82" + "a2616101616202" + "a2616101616101")).isFalse();
		assertThat(isProven("83" + "a3616101616202616303" + "a2616201616101" + "a3616201616101616201")).isFalse();
		assertThat(isProven("a2" + "6161" + "a1616101" + "616101")).isFalse();
		assertThat(isProven(keys(MapKeys.MAX_KEYS + 1))).isFalse();
		assertThat(isProven("81".repeat(100) + "a1616101")).isFalse();
	}

	@Test
	void duplicateKeyBehindOneThatIsNotProvenIsRefused() throws Exception {
		try (IpcSocketPair pair = Conversation.pair()) {
			for (String body : List.of("a3010161610161610" + "2", "a4616101616201616301616202",
					"82a2616101616202a2616101616102", "a261610178016102", "a261610179000161" + "02",
					"a26161017f6161ff02", "a26131010102", "a2616101" + "416102")) {
				RawSender.sendFrame(pair.parent(), HexFormat.of().parseHex(body));
				assertThatExceptionOfType(JacksonException.class).as(body)
					.isThrownBy(() -> IpcChannel.over(pair.child()).receive(Object.class))
					.withMessageContaining("uplicate");
			}
		}
	}

	private static String keys(int count) {
		StringBuilder map = new StringBuilder("b8").append(HexFormat.of().toHexDigits((byte) count));
		for (int i = 0; i < count; i++) {
			map.append("61").append(HexFormat.of().toHexDigits((byte) ('A' + i))).append("01");
		}
		return map.toString();
	}

	private static boolean isProven(String hex) {
		return isProven(HexFormat.of().parseHex(hex));
	}

	private static boolean isProven(byte[] body) {
		ByteBuffer memory = ByteBuffer.allocateDirect(Frame.HEADER_SIZE + body.length).order(ByteOrder.nativeOrder());
		memory.put(Frame.HEADER_SIZE, body).position(Frame.HEADER_SIZE);
		CborFinding proven = new CborCheck().check(memory, 500, 100_000);
		assertThat(USED.check(memory, 500, 100_000)).as("after other bodies").isEqualTo(proven);
		return proven != CborFinding.WELL_FORMED;
	}

	/**
	 * Makes maps in arrays and maps, with their keys in any of the ways to write them.
	 */
	private static final class Maps {

		private final Random random;

		private final ByteArrayOutputStream body = new ByteArrayOutputStream();

		private final boolean isOdd;

		private final int variety;

		Maps(Random random) {
			this.random = random;
			this.isOdd = random.nextBoolean();
			this.variety = 2 + random.nextInt(40);
		}

		byte[] body() {
			if (this.isOdd && this.random.nextInt(4) == 0) {
				this.body.writeBytes(HexFormat.of().parseHex("d90100")); // stringref
			}
			map(0);
			return this.body.toByteArray();
		}

		private void map(int depth) {
			int count = this.random.nextInt((this.random.nextInt(20) == 0) ? 40 : 6);
			boolean indefinite = this.random.nextBoolean();
			head(CborHead.MAP, indefinite ? -1 : count);
			for (int i = 0; i < count; i++) {
				key();
				value(depth);
			}
			end(indefinite);
		}

		private void value(int depth) {
			switch (this.random.nextInt((depth < 3) ? 6 : 3)) {
				case 0 -> head(CborHead.UNSIGNED, this.random.nextInt(1000));
				case 1 -> text(KEYS.get(this.random.nextInt(KEYS.size())), 0);
				case 2 -> this.body.write(0xf6);
				case 3 -> {
					int count = this.random.nextInt(5);
					boolean indefinite = this.random.nextBoolean();
					head(CborHead.ARRAY, indefinite ? -1 : count);
					for (int i = 0; i < count; i++) {
						value(depth + 1);
					}
					end(indefinite);
				}
				default -> map(depth + 1);
			}
		}

		private void end(boolean indefinite) {
			if (indefinite) {
				this.body.write(0xff);
			}
		}

		private void key() {
			int chosen = this.random.nextInt(this.variety);
			String key = (chosen < KEYS.size()) ? KEYS.get(chosen) : "key" + chosen;
			switch (this.isOdd ? this.random.nextInt(9) : 0) {
				case 0, 1 -> text(key, 0);
				case 2, 3 -> text(key, 1 << this.random.nextInt(4));
				case 4 -> parts(key);
				case 5 -> head(this.random.nextInt(2), this.random.nextInt(3));
				case 6 -> {
					head(CborHead.TAG, this.random.nextBoolean() ? 1 : 25);
					head(CborHead.UNSIGNED, this.random.nextInt(3));
				}
				case 7 -> {
					head(CborHead.TAG, 1);
					text(key, 0);
				}
				default -> {
					byte[] bytes = key.getBytes(StandardCharsets.UTF_8);
					head(CborHead.BYTES, bytes.length);
					this.body.writeBytes(bytes);
				}
			}
		}

		private void parts(String key) {
			head(CborHead.TEXT, -1);
			int split = key.codePointCount(0, key.length()) / 2;
			text(key.substring(0, key.offsetByCodePoints(0, split)), 0);
			text(key.substring(key.offsetByCodePoints(0, split)), 0);
			end(true);
		}

		private void text(String text, int sizeOfLength) {
			byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
			head(CborHead.TEXT, bytes.length, sizeOfLength);
			this.body.writeBytes(bytes);
		}

		/** For an indefinite length, -1. */
		private void head(int type, int argument) {
			head(type, argument, 0);
		}

		private void head(int type, int argument, int atLeast) {
			int shortest = (argument < 24) ? 0 : (argument < 256) ? 1 : (argument < 65_536) ? 2 : 4;
			int size = Math.max(shortest, atLeast);
			if (argument < 0 || size == 0) {
				this.body.write(type << 5 | argument & 0x1f);
				return;
			}
			this.body.write(type << 5 | 24 + Integer.numberOfTrailingZeros(size));
			byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(argument).array();
			this.body.write(bytes, Long.BYTES - size, size);
		}

	}

}
