package dev.tinyipc;

import java.math.BigDecimal;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;

import com.fasterxml.jackson.annotation.JacksonInject;
import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.annotation.JsonAnySetter;
import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.annotation.JsonFormat;
import com.fasterxml.jackson.annotation.JsonIdentityInfo;
import com.fasterxml.jackson.annotation.JsonIgnore;
import com.fasterxml.jackson.annotation.JsonIgnoreProperties;
import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.annotation.JsonSetter;
import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import com.fasterxml.jackson.annotation.JsonUnwrapped;
import com.fasterxml.jackson.annotation.JsonView;
import com.fasterxml.jackson.annotation.Nulls;
import com.fasterxml.jackson.annotation.ObjectIdGenerators;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.annotation.JsonDeserialize;

/** Records of many kinds: those that are read fast, and those that are not. */
final class RecordShapes {

	/** Only names and values. */
	static final List<Class<?>> PLAIN = List.of(Order.class, Address.class, Tree.class, Boxes.class, Refusing.class,
			Failing.class, Renamed.class, Skipping.class, Odd.class, Converted.class, Times.class);

	/** Something else, too. */
	static final List<Class<?>> SPECIAL = List.of(Empty.class, Created.class, Delegated.class, Aliased.class,
			Ignoring.class, IgnoredPart.class, IgnoringAll.class, Injected.class, Unwrapping.class, Identified.class,
			Quoted.class, Catching.class, CaseBlind.class, External.class);

	/** Contain records, or are read by the rules of annotations on what contains them. */
	static final List<Class<?>> AROUND = List.of(Viewed.class, Circle.class, Square.class, Holder.class,
			ManyParts.class, Listed.class);

	private RecordShapes() {
	}

	enum Color {

		RED, GREEN

	}

	interface Small {

	}

	interface Large {

	}

	record Address(String street, int number, String city) {
	}

	record Order(long id, String customer, int quantity, double price, boolean paid, Color color, Address address,
			List<String> notes, Map<String, Address> others, byte[] picture, int[] counts, Optional<String> gift) {
	}

	record Tree(String name, Tree left, List<Tree> children) {
	}

	record Boxes(Integer i, Long l, Short s, Byte b, Character c, Boolean z, Float f, Double d, short s2, byte b2,
			char c2, float f2) {
	}

	record Times(Instant instant, Duration duration, BigDecimal decimal, JsonNode node, Object any) {
	}

	record Page<T>(List<T> items, T first, int total) {
	}

	record Refusing(String text, Integer number) {

		Refusing {
			if (number != null && number % 3 == 0) {
				throw new IllegalArgumentException("divisible by three: " + number);
			}
			Objects.requireNonNull(text, "text");
		}

	}

	record Failing(int number) {

		Failing {
			if (number % 5 == 0) {
				throw new AssertionError("divisible by five");
			}
		}

	}

	record Renamed(@JsonProperty("first-name") String first, @JsonProperty(required = true) Integer age) {
	}

	record Skipping(@JsonSetter(nulls = Nulls.FAIL) String a, @JsonSetter(nulls = Nulls.AS_EMPTY) List<String> b) {
	}

	record Odd(String größe, int aNameThatIsLongerThanTwentyThreeBytes, Color x) {
	}

	record Converted(@JsonDeserialize(using = Reversed.class) String text,
			@JsonDeserialize(using = Nothing.class) int number) {
	}

	record Empty() {
	}

	record Created(String a, int b) {

		@JsonCreator
		static Created of(@JsonProperty("a") String a, @JsonProperty("b") int b) {
			return (b == 7) ? null : new Created(a + "!", b);
		}

	}

	record Delegated(String text) {

		@JsonCreator(mode = JsonCreator.Mode.DELEGATING)
		Delegated {
		}

	}

	record Aliased(@JsonAlias( {
			"unknown0", "unknown1" }) String a, int b){
	}

	@JsonIgnoreProperties("unknown0")
	record Ignoring(String a, int b) {
	}

	@JsonIgnoreProperties(ignoreUnknown = true)
	record IgnoringAll(String a, int b) {
	}

	record IgnoredPart(String a, @JsonIgnore int b, @JsonProperty(access = JsonProperty.Access.READ_ONLY) String c) {
	}

	record Injected(String a,
			@JacksonInject(value = "injected", useInput = com.fasterxml.jackson.annotation.OptBoolean.TRUE) String b) {
	}

	record Unwrapping(@JsonUnwrapped(prefix = "in-") Address address, int number) {
	}

	@JsonFormat(shape = JsonFormat.Shape.ARRAY)
	record Listed(String a, int b) {
	}

	@JsonIdentityInfo(generator = ObjectIdGenerators.IntSequenceGenerator.class)
	record Identified(String a, Address b) {
	}

	record Quoted(@JsonProperty("a\"b") String a, int b) {
	}

	record Catching(String a, @JsonAnySetter Map<String, Object> others) {

		Catching {
			others = (others != null) ? new LinkedHashMap<>(others) : null;
		}

	}

	@JsonFormat(with = JsonFormat.Feature.ACCEPT_CASE_INSENSITIVE_PROPERTIES)
	record CaseBlind(String a, int b) {
	}

	record External(String kind, @JsonTypeInfo(use = JsonTypeInfo.Id.NAME, include = JsonTypeInfo.As.EXTERNAL_PROPERTY,
			property = "kind") Shape shape) {
	}

	record Viewed(@JsonView(Small.class) String a, @JsonView(Large.class) int b, String c) {
	}

	@JsonTypeInfo(use = JsonTypeInfo.Id.NAME)
	@JsonSubTypes({ @JsonSubTypes.Type(Circle.class), @JsonSubTypes.Type(Square.class) })
	sealed interface Shape permits Circle, Square {

	}

	record Circle(double radius, Color color) implements Shape {
	}

	record Square(double side) implements Shape {
	}

	record Holder(@JsonIgnoreProperties("city") Address ignoring,
			@JsonFormat(shape = JsonFormat.Shape.ARRAY) Address listed, @JsonUnwrapped(suffix = "2") Address unwrapped,
			List<Address> plain) {
	}

	record ManyParts(int a0, int a1, int a2, int a3, int a4, int a5, int a6, int a7, int a8, int a9, int b0, int b1,
			int b2, int b3, int b4, int b5, int b6, int b7, int b8, int b9, int c0, int c1, int c2, int c3, int c4,
			int c5, int c6, int c7, int c8, int c9, int d0, int d1, int d2, int d3, int d4, int d5, int d6, int d7,
			int d8, int d9, int e0, int e1, int e2, int e3, int e4, int e5, int e6, int e7, int e8, int e9, int f0,
			int f1, int f2, int f3, int f4, int f5, int f6, int f7, int f8, int f9, int g0, int g1, int g2, int g3,
			Integer g4) {
	}

	/** Reads a text from behind. */
	static final class Reversed extends ValueDeserializer<String> {

		@Override
		public String deserialize(JsonParser source, DeserializationContext context) {
			return new StringBuilder(source.getString()).reverse().toString();
		}

	}

	/** Reads every number as null, even where there is no null. */
	static final class Nothing extends ValueDeserializer<Integer> {

		@Override
		public Integer deserialize(JsonParser source, DeserializationContext context) {
			return (source.getIntValue() % 2 == 0) ? null : 1;
		}

	}

}
