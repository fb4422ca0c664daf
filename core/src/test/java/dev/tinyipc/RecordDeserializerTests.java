package dev.tinyipc;

import java.io.ByteArrayInputStream;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import java.util.function.Supplier;
import java.util.function.UnaryOperator;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.core.JacksonException;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.InjectableValues;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.PropertyNamingStrategies;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.DeserializationProblemHandler;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.dataformat.cbor.CBORMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** Records are read as by Jackson, to the last word of its messages. */
@Timeout(300)
class RecordDeserializerTests {

	private static final int GENERATED = 300;

	private static final int BODIES = 12;

	private static final CBORMapper PLAIN = new CBORMapper();

	/** How a mapper may be customized. */
	private static final Map<String, Consumer<CBORMapper.Builder>> SETTINGS = settings();

	/** The gate has two JDKs, and so two sequences of bodies. */
	private final Random random = new Random(Runtime.version().feature());

	private final Map<String, Integer> outcomes = new LinkedHashMap<>();

	private static Map<String, Consumer<CBORMapper.Builder>> settings() {
		Map<String, Consumer<CBORMapper.Builder>> settings = new LinkedHashMap<>();
		settings.put("defaults", (builder) -> {
		});
		settings.put("strict", (builder) -> builder.enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES,
				DeserializationFeature.FAIL_ON_MISSING_CREATOR_PROPERTIES,
				DeserializationFeature.FAIL_ON_TRAILING_TOKENS, DeserializationFeature.FAIL_ON_IGNORED_PROPERTIES));
		settings.put("no nulls", (builder) -> builder.enable(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)
			.disable(DeserializationFeature.WRAP_EXCEPTIONS));
		settings.put("lenient",
				(builder) -> builder.disable(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES)
					.enable(DeserializationFeature.ACCEPT_SINGLE_VALUE_AS_ARRAY,
							DeserializationFeature.UNWRAP_SINGLE_VALUE_ARRAYS,
							DeserializationFeature.ACCEPT_EMPTY_STRING_AS_NULL_OBJECT));
		settings.put("snake case", (builder) -> builder.propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE));
		settings.put("case-blind", (builder) -> builder.enable(MapperFeature.ACCEPT_CASE_INSENSITIVE_PROPERTIES));
		settings.put("no private members", (builder) -> builder.disable(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS));
		settings.put("handler", (builder) -> builder.addHandler(new DeserializationProblemHandler() {

			@Override
			public Object handleInstantiationProblem(DeserializationContext context, Class<?> type, Object argument,
					Throwable cause) {
				return null;
			}

		}));
		return settings;
	}

	@Test
	void generatedRecordsAreReadAsByJackson(@TempDir Path folder) throws Exception {
		CBORMapper ours = IpcChannel.mapperBuilder().build();
		for (Class<?> type : RecordSources.compile(folder, GENERATED, this.random)) {
			for (int i = 0; i < BODIES; i++) {
				compare(PLAIN, ours, PLAIN.constructType(type), new RecordBodies(this.random, (i % 3) * 20),
						"generated");
			}
		}
		assertThatManyAreReadAndManyRefused();
	}

	@Test
	void recordsOfAllKindsAreReadAsByJackson() throws Exception {
		for (Map.Entry<String, Consumer<CBORMapper.Builder>> setting : SETTINGS.entrySet()) {
			CBORMapper.Builder theirs = CBORMapper.builder();
			setting.getValue().accept(theirs);
			CBORMapper.Builder builder = IpcChannel.mapperBuilder();
			setting.getValue().accept(builder);
			CBORMapper jackson = theirs.build();
			CBORMapper ours = builder.build();
			for (JavaType type : types()) {
				for (int i = 0; i < 5 * BODIES; i++) {
					compare(jackson, ours, type, new RecordBodies(this.random, (i % 4) * 30), setting.getKey());
				}
			}
		}
		assertThatManyAreReadAndManyRefused();
	}

	private void assertThatManyAreReadAndManyRefused() {
		int all = this.outcomes.values().stream().mapToInt(Integer::intValue).sum();
		assertThat(this.outcomes.get("")).isBetween(all / 4, all * 3 / 4);
		assertThat(this.outcomes).hasSizeGreaterThan(4);
	}

	@Test
	void plainRecordsAreReadFastAndOthersAreNot() {
		Map<Class<?>, ValueDeserializer<?>> used = new LinkedHashMap<>();
		CBORMapper mapper = CBORMapper.builder()
			.addModule(new SimpleModule("spy").setDeserializerModifier(new ValueDeserializerModifier() {

				@Override
				public ValueDeserializer<?> modifyDeserializer(DeserializationConfig config,
						BeanDescription.Supplier description, ValueDeserializer<?> deserializer) {
					used.put(description.getBeanClass(), deserializer);
					return deserializer;
				}

			})) // the first one is asked last
			.addModule(new RecordModule())
			.injectableValues(new InjectableValues.Std().addValue("injected", "value"))
			.build();
		List<Class<?>> all = new ArrayList<>(RecordShapes.PLAIN);
		all.addAll(RecordShapes.SPECIAL);
		all.addAll(RecordShapes.AROUND);
		for (Class<?> type : all) {
			read(mapper.readerFor(type), new byte[] { (byte) 0xa0 });
		}
		assertThat(RecordShapes.PLAIN)
			.allSatisfy((type) -> assertThat(used.get(type)).isInstanceOf(RecordDeserializer.class)
				.extracting("parameters")
				.isNotNull());
		assertThat(RecordShapes.SPECIAL)
			.allSatisfy((type) -> assertThat(used.get(type)).isInstanceOfSatisfying(RecordDeserializer.class,
					(ours) -> assertThat(ours).extracting("parameters").isNull()));
	}

	private static List<JavaType> types() {
		List<JavaType> types = new ArrayList<>();
		for (List<Class<?>> some : List.of(RecordShapes.PLAIN, RecordShapes.SPECIAL, RecordShapes.AROUND)) {
			some.forEach((type) -> types.add(PLAIN.constructType(type)));
		}
		types.add(PLAIN.constructType(RecordShapes.Shape.class));
		types.add(PLAIN.constructType(new TypeReference<RecordShapes.Page<RecordShapes.Address>>() {
		}));
		types.add(PLAIN.constructType(new TypeReference<List<RecordShapes.Page<RecordShapes.Shape>>>() {
		}));
		return types;
	}

	/** Compares what two mappers make of one body. */
	private void compare(CBORMapper theirs, CBORMapper ours, JavaType type, RecordBodies bodies, String setting)
			throws Exception {
		byte[] body = bodies.body(bodies.sample(type, 0),
				theirs.isEnabled(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS) ? theirs : PLAIN);
		List<UnaryOperator<ObjectReader>> ways = List.of((reader) -> reader,
				(reader) -> reader.with(StreamReadFeature.STRICT_DUPLICATE_DETECTION),
				(reader) -> reader.withView(RecordShapes.Small.class),
				(reader) -> reader.with(new InjectableValues.Std().addValue("injected", "value")));
		for (UnaryOperator<ObjectReader> way : ways) {
			Outcome expected = read(way.apply(theirs.readerFor(type)), body);
			assertThat(read(way.apply(ours.readerFor(type)), body))
				.as("%s, %s, %s", type, setting, HexFormat.of().formatHex(body))
				.isEqualTo(expected);
			this.outcomes.merge(expected.failure(), 1, Integer::sum);
		}
		assertThat(read(() -> ours.readerFor(type).readValue(piecemeal(body))))
			.isEqualTo(read(() -> theirs.readerFor(type).readValue(piecemeal(body))));
		assertThat(read(() -> ours.readerFor(type).readValue(PLAIN.readTree(body))))
			.isEqualTo(read(() -> theirs.readerFor(type).readValue(PLAIN.readTree(body))));
	}

	/** A few bytes at a time, so that names are read in part. */
	private static InputStream piecemeal(byte[] body) {
		return new ByteArrayInputStream(body) {

			@Override
			public synchronized int read(byte[] target, int offset, int length) {
				return super.read(target, offset, Math.min(length, 3));
			}

		};
	}

	private static Outcome read(ObjectReader reader, byte[] body) {
		return read(() -> reader.readValue(body));
	}

	private static Outcome read(Supplier<Object> reading) {
		try {
			Object value = reading.get();
			return new Outcome("", HexFormat.of().formatHex(PLAIN.writeValueAsBytes(value)),
					withoutHashes(String.valueOf(value)));
		}
		catch (JacksonException ex) {
			return new Outcome(ex.getClass().getName(), ex.getPathReference(), withoutHashes(ex.getMessage()));
		}
		catch (Error | RuntimeException ex) {
			return new Outcome(ex.getClass().getName(), "", withoutHashes(String.valueOf(ex.getMessage())));
		}
	}

	/** Those of arrays, which differ from one to the next. */
	private static String withoutHashes(String text) {
		return text.replaceAll("@[0-9a-f]+", "");
	}

	/**
	 * What comes of a body.
	 *
	 * @param failure the exception's class, or empty
	 * @param content the value as CBOR, or the path to what could not be read
	 * @param message the exception's, or the value as text
	 */
	private record Outcome(String failure, String content, String message) {
	}

}
