package dev.tinyipc;

import java.io.InputStream;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;

import com.fasterxml.jackson.annotation.JsonIdentityInfo;
import com.fasterxml.jackson.annotation.ObjectIdGenerators;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORMapper;
import tools.jackson.dataformat.cbor.CBORReadFeature;

import static org.assertj.core.api.Assertions.assertThat;

/** A body is read as if there had been none before it, whatever those were. */
@Timeout(300)
class SmallBodiesTests {

	private static final CBORMapper PLAIN = new CBORMapper();

	private final CBORMapper mapper = IpcChannel.mapperBuilder().build();

	private final Codec codec = new Codec(this.mapper);

	private final Map<String, Integer> outcomes = new LinkedHashMap<>();

	private IpcSocketPair pair;

	@BeforeEach
	void connect() throws IpcException {
		this.pair = IpcSocket.pair();
	}

	@AfterEach
	void disconnect() {
		this.pair.close();
	}

	@ParameterizedTest
	@ValueSource(longs = { 1, 2 })
	void bodiesOfOneTypeAreReadAsEachAlone(long seed) throws Exception {
		Random random = new Random(seed);
		for (JavaType type : types()) {
			for (int i = 0; i < 2 * SmallBodies.MAX_USES; i++) {
				compare(type, body(type, random));
			}
		}
		assertThatManyAreReadAndManyRefused();
	}

	@ParameterizedTest
	@ValueSource(longs = { 3, 4 })
	void bodiesOfManyTypesAreReadAsEachAlone(long seed) throws Exception {
		Random random = new Random(seed);
		List<JavaType> types = types();
		JavaType type = types.get(0);
		for (int i = 0; i < 5_000; i++) {
			type = (random.nextInt(4) == 0) ? types.get(random.nextInt(types.size())) : type;
			compare(type, body(type, random));
		}
		assertThatManyAreReadAndManyRefused();
	}

	private static byte[] body(JavaType type, Random random) throws Exception {
		boolean isOfRecords = type.getRawClass().getEnclosingClass() == RecordShapes.class;
		JavaType sampled = isOfRecords ? type : PLAIN.constructType(RecordShapes.Order.class);
		RecordBodies bodies = new RecordBodies(random, random.nextInt(3) * 20);
		byte[] body = {};
		while (body.length == 0) { // if all of it was left out
			body = bodies.body(bodies.sample(sampled, 0), PLAIN);
		}
		return body;
	}

	private static List<JavaType> types() {
		List<JavaType> types = new ArrayList<>();
		RecordShapes.PLAIN.forEach((type) -> types.add(PLAIN.constructType(type)));
		for (Class<?> type : List.of(RecordShapes.Identified.class, RecordShapes.Created.class,
				RecordShapes.Catching.class, RecordShapes.External.class, Object.class, JsonNode.class, Map.class,
				Careless.class, ByTheParser.class)) {
			types.add(PLAIN.constructType(type));
		}
		return types;
	}

	private void compare(JavaType type, byte[] body) throws IpcException {
		String expected = outcome(() -> {
			new CborCheck().check(ByteBuffer.wrap(body), 500, 100_000);
			return this.codec.reader(Object.class).forType(type).readValue(stream(body));
		});
		assertThat(received(type, body)).as("%s, %s", type, HexFormat.of().formatHex(body)).isEqualTo(expected);
		this.outcomes.merge(expected.substring(0, expected.indexOf(':')), 1, Integer::sum);
	}

	private static InputStream stream(byte[] body) {
		return new ByteBufferBackedInputStream(ByteBuffer.wrap(body));
	}

	private String received(JavaType type, byte[] body) throws IpcException {
		RawSender.send(this.pair.parent(), Samples.frame(body));
		IpcChannel channel = IpcChannel.over(this.pair.child(), this.mapper);
		return outcome(() -> channel.receive(type).payload());
	}

	private void assertThatManyAreReadAndManyRefused() {
		int all = this.outcomes.values().stream().mapToInt(Integer::intValue).sum();
		assertThat(this.outcomes.get("read")).isBetween(all / 4, all * 9 / 10);
		assertThat(this.outcomes).hasSizeGreaterThan(3);
	}

	@Test
	void namesOfEarlierBodiesAreForgotten() throws Exception {
		for (int i = 0; i < 4 * SmallBodies.MAX_USES; i++) {
			Map<String, Object> made = Map.of("name-" + i, i, "another-name-" + i, i);
			compare(PLAIN.constructType(Map.class), PLAIN.writeValueAsBytes(made));
		}
		assertThat(this.outcomes).containsOnlyKeys("read");
	}

	@Test
	void aTextIsNotKnownToTheBodiesThatFollow() throws Exception {
		JavaType any = PLAIN.constructType(Object.class);
		String[] bodies = { "d90100826568656c6c6fd81900", "826568656c6c6f6568656c6c6f", "81d81900", "d81900",
				"a1616181d81900", "d90100a2656e616d6573d81900656f74686572d81901", "a1656e616d657301",
				"d9010081d81900" };
		for (int i = 0; i < 40; i++) {
			compare(any, HexFormat.of().parseHex(bodies[i % bodies.length]));
			compare(any, HexFormat.of().parseHex(bodies[(i * 3 + 1) % bodies.length]));
		}
		assertThat(this.outcomes).hasSizeGreaterThan(1);
	}

	@Test
	void aBodyWithTagsInItIsReadAlone() {
		assertThat(List.of("a1616101", "c1a1616101", "da49505346a26269641b0000000000000001677061796c6f616400"))
			.allSatisfy((hex) -> assertThat(proven(hex)).isEqualTo(CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS));
		assertThat(List.of("a16161c101", "81c101", "c181c101", "d9010081d81900", "a1c1616101"))
			.noneSatisfy((hex) -> assertThat(proven(hex)).isEqualTo(CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS));
	}

	private static CborFinding proven(String hex) {
		byte[] frame = Samples.frame(HexFormat.of().parseHex(hex));
		return new CborCheck().check(ByteBuffer.wrap(frame).position(Frame.HEADER_SIZE), 500, 1000);
	}

	@Test
	void whatTheMapperWantsOfAParserIsKept() throws Exception {
		JavaType any = PLAIN.constructType(Object.class);
		UnaryOperator<CBORMapper.Builder> wish = (builder) -> builder
			.disable(CBORReadFeature.READ_UNDEFINED_AS_EMBEDDED_OBJECT)
			.enable(CBORReadFeature.READ_SIMPLE_VALUE_AS_EMBEDDED_OBJECT);
		CBORMapper wanted = wish.apply(IpcChannel.mapperBuilder()).build();
		for (String hex : List.of("f7", "e5", "82f7e5", "a1f701")) {
			byte[] body = HexFormat.of().parseHex(hex);
			String expected = outcome(() -> wanted.readerFor(any).readValue(stream(body)));
			for (int i = 0; i < 3; i++) {
				RawSender.send(this.pair.parent(), Samples.frame(body));
				IpcChannel channel = IpcChannel.over(this.pair.child(), wanted);
				assertThat(outcome(() -> channel.receive(any).payload())).isEqualTo(expected);
			}
		}
	}

	@Test
	void anObjectIsNotKnownToTheBodiesThatFollow() throws Exception {
		JavaType type = PLAIN.constructType(ByTheParser.class);
		for (int i = 0; i < 5; i++) {
			compare(type, PLAIN.writeValueAsBytes(Map.of("id", 1, "name", "first")));
			compare(type, PLAIN.writeValueAsBytes(1)); // whose object is in another body
		}
		assertThat(this.outcomes).containsEntry("read", 5).hasSize(2);
	}

	private static String outcome(Reading reading) {
		try {
			Object value = reading.read();
			return "read: " + HexFormat.of().formatHex(PLAIN.writeValueAsBytes(value)) + ' ' + (value != null);
		}
		catch (JacksonException ex) {
			return ex.getClass() + ": " + ex.getPathReference() + ' ' + ex.getMessage().replaceAll("@[0-9a-f]+", "");
		}
		catch (Exception | Error ex) {
			return ex.getClass() + ": " + ex.getMessage();
		}
	}

	@FunctionalInterface
	private interface Reading {

		Object read() throws Exception;

	}

	/** Is read by what may leave some of it, or take too much. */
	@JsonDeserialize(using = Careless.Reader.class)
	record Careless(String text) {

		static final class Reader extends ValueDeserializer<Careless> {

			@Override
			public Careless deserialize(JsonParser source, DeserializationContext context) {
				source.nextToken();
				source.nextToken();
				return new Careless("read");
			}

		}

	}

	@JsonDeserialize(using = ByTheParser.Reader.class)
	record ByTheParser(Identified content) {

		static final class Reader extends ValueDeserializer<ByTheParser> {

			@Override
			public ByTheParser deserialize(JsonParser source, DeserializationContext context) {
				return new ByTheParser(source.readValueAs(Identified.class));
			}

		}

	}

	@JsonIdentityInfo(generator = ObjectIdGenerators.PropertyGenerator.class, property = "id")
	static final class Identified {

		public int id;

		public String name;

	}

}
