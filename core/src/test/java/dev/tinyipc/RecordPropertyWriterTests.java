package dev.tinyipc;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;

import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.annotation.JsonSerialize;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.BeanPropertyWriter;
import tools.jackson.databind.ser.jdk.NumberSerializers;
import tools.jackson.databind.ser.ValueSerializerModifier;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** Records are written as by Jackson, to the last byte, however many are. */
@Timeout(300)
class RecordPropertyWriterTests {

	private static final CBORMapper PLAIN = new CBORMapper();

	private static final List<Object> SPECIAL = List.of(new Numbers(7, 8, Double.NaN, true, "nine", Color.RED),
			new Numbers(-1, Long.MIN_VALUE, -0.0, false, null, null), new Numbers(0, 0, 0, false, "", null),
			new AsText(1, 2, 0.5, true, "x"), new Left(0, 0, 0, false, "", null),
			new Left(1, 2, 3, true, "a", Color.RED), new Absent(null, null), new Absent("a", Color.GREEN),
			new Own("a", 2), new Failing(3), new Failing(5), new Around(new Failing(4), new Failing(5)),
			new Parts(new Own("b", 1), new Own("c", 2)), new Any("a", 5), new Any(List.of(1), Map.of("a", 1)),
			new Loud("a"));

	@Test
	void recordsWithAnyAnnotationAreWrittenAsByJackson() {
		CBORMapper ours = IpcChannel.mapperBuilder().build();
		SPECIAL.forEach((value) -> compare(PLAIN, ours, value));
		CBORMapper theirs = CBORMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();
		CBORMapper snake = IpcChannel.mapperBuilder()
			.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
			.build();
		SPECIAL.forEach((value) -> compare(theirs, snake, value));
	}

	@Test
	void generatedRecordsAreWrittenAsByJackson(@TempDir Path folder) throws Exception {
		Random random = new Random(1);
		CBORMapper ours = IpcChannel.mapperBuilder().build();
		List<JavaType> types = new ArrayList<>();
		RecordSources.compile(folder, 60, random).forEach((type) -> types.add(PLAIN.constructType(type)));
		RecordShapes.PLAIN.forEach((type) -> types.add(PLAIN.constructType(type)));
		RecordShapes.SPECIAL.forEach((type) -> types.add(PLAIN.constructType(type)));
		int written = 0;
		for (JavaType type : types) {
			Object value = sample(type, random);
			if (value != null) {
				compare(PLAIN, ours, value);
				written++;
			}
		}
		assertThat(written).isGreaterThan(types.size() / 2);
	}

	private static Object sample(JavaType type, Random random) throws Exception {
		try {
			return new RecordBodies(random, 0).sample(type, 0);
		}
		catch (ReflectiveOperationException ex) { // the constructor refuses what was
													// drawn
			return null;
		}
	}

	@Test
	void numbersAndTextsAreWrittenByALambdaOnceManyWere() {
		Map<String, BeanPropertyWriter> writers = new TreeMap<>();
		CBORMapper mapper = mapper(writers);
		byte[] expected = PLAIN.writeValueAsBytes(SPECIAL.get(0));
		for (int i = 0; i < RecordPropertyWriter.USES_BEFORE - 1; i++) {
			assertThat(mapper.writeValueAsBytes(SPECIAL.get(0))).isEqualTo(expected);
		}
		assertThat(writers).hasSize(6);
		assertThat(writers.values()).allSatisfy(
				(writer) -> assertThat(writer).isInstanceOf(RecordPropertyWriter.class).extracting("getter").isNull());
		assertThat(mapper.writeValueAsBytes(SPECIAL.get(0))).isEqualTo(expected);
		assertThat(writers.values()).allMatch(RecordPropertyWriterTests::hasLambda);
		assertThat(mapper.writeValueAsBytes(SPECIAL.get(0))).isEqualTo(expected);
	}

	@Test
	void whatAnAnnotationChangesIsLeftToJackson() {
		Map<String, BeanPropertyWriter> writers = new TreeMap<>();
		CBORMapper mapper = mapper(writers);
		for (int i = 0; i < 2 * RecordPropertyWriter.USES_BEFORE; i++) {
			mapper.writeValueAsBytes(new AsText(1, 2, 0.5, true, "x"));
			mapper.writeValueAsBytes(new Left(1, 2, 3, true, "a", Color.RED));
		}
		assertThat(writers).hasSizeGreaterThan(9);
		assertThat(writers.values()).noneMatch(RecordPropertyWriterTests::hasLambda);
	}

	@Test
	void membersThatMustNotBeMadeAccessibleAreLeftToJackson() {
		CBORMapper theirs = CBORMapper.builder().disable(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS).build();
		CBORMapper ours = IpcChannel.mapperBuilder().disable(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS).build();
		SPECIAL.forEach((value) -> compare(theirs, ours, value));
	}

	@Test
	void aSerializerThatWasRegisteredIsUsedOn() {
		SimpleModule module = new SimpleModule("ours").addSerializer(long.class, new Negated())
			.addSerializer(Long.class, new Negated());
		compare(CBORMapper.builder().addModule(module).build(), IpcChannel.mapperBuilder().addModule(module).build(),
				SPECIAL.get(0));
	}

	@Test
	void aRecordThatIsItsOwnComponentIsRefusedAsByJackson() {
		compare(PLAIN, IpcChannel.mapperBuilder().build(), new Within(null));
	}

	private static boolean hasLambda(BeanPropertyWriter writer) {
		return writer instanceof RecordPropertyWriter<?> ours && ours.hasGetter();
	}

	/** The writers that a mapper uses, by the record and the name of the component. */
	private static CBORMapper mapper(Map<String, BeanPropertyWriter> writers) {
		return CBORMapper.builder()
			.addModule(new SimpleModule("spy").setSerializerModifier(new ValueSerializerModifier() {

				@Override
				public List<BeanPropertyWriter> changeProperties(SerializationConfig config,
						BeanDescription.Supplier description, List<BeanPropertyWriter> properties) {
					properties.forEach((writer) -> writers
						.put(description.getBeanClass().getSimpleName() + '.' + writer.getName(), writer));
					return properties;
				}

			})) // the first one is asked last
			.addModule(new RecordModule())
			.build();
	}

	private static void compare(CBORMapper theirs, CBORMapper ours, Object value) {
		for (int i = 0; i < RecordPropertyWriter.USES_BEFORE + 3; i++) {
			assertThat(outcome(ours, value)).as("%s, written %d times", value.getClass(), i + 1)
				.isEqualTo(outcome(theirs, value));
		}
	}

	private static String outcome(CBORMapper mapper, Object value) {
		try {
			return HexFormat.of().formatHex(mapper.writeValueAsBytes(value));
		}
		catch (RuntimeException | Error ex) {
			// The hashes of objects differ from one to the next.
			return (ex + ", because of " + ex.getCause()).replaceAll("@[0-9a-f]+", "");
		}
	}

	enum Color {

		RED, GREEN

	}

	record Numbers(int someInt, long aLong, double aDouble, boolean aBoolean, String text, Color color) {
	}

	record AsText(@JsonFormat(shape = JsonFormat.Shape.STRING) int i,
			@JsonFormat(shape = JsonFormat.Shape.STRING) long l, @JsonFormat(shape = JsonFormat.Shape.STRING) double d,
			@JsonFormat(shape = JsonFormat.Shape.NUMBER) boolean b, @JsonSerialize(using = Shouting.class) String s) {
	}

	@JsonInclude(JsonInclude.Include.NON_DEFAULT)
	record Left(int i, long l, double d, boolean b, String s, Color c) {
	}

	@JsonInclude(JsonInclude.Include.NON_NULL)
	record Absent(String s, Color c) {
	}

	record Own(@JsonSerialize(using = Shouting.class) String text, int number) {
	}

	record Failing(int number) {

		public int number() {
			if (this.number > 3) {
				throw new IllegalStateException("over three: " + this.number);
			}
			return this.number;
		}

	}

	/** Is its own component once it has been written often, by both mappers in turn. */
	record Within(Within inner) {

		private static int calls;

		public Within inner() {
			return (calls++ / 2 > RecordPropertyWriter.USES_BEFORE) ? this : null;
		}

	}

	static final class Negated extends NumberSerializers.LongSerializer {

		Negated() {
			super(Long.class);
		}

		@Override
		public void serialize(Object value, JsonGenerator generator, SerializationContext context) {
			generator.writeNumber(-(Long) value);
		}

	}

	record Around(Failing first, Failing second) {
	}

	record Parts(@JsonUnwrapped(prefix = "in-") Own first,
			@JsonTypeInfo(use = JsonTypeInfo.Id.SIMPLE_NAME) Own second) {
	}

	record Any(Object one, Object another) {
	}

	/** Says something else than it has. */
	private record Loud(String text) {

		public String text() {
			return this.text.toUpperCase() + '!';
		}

	}

	static final class Shouting extends ValueSerializer<String> {

		@Override
		public void serialize(String value, JsonGenerator generator, SerializationContext context) {
			generator.writeString(value + '!');
		}

	}

}
