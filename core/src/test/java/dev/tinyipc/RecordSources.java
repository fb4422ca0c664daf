package dev.tinyipc;

import java.net.URI;
import java.net.URLClassLoader;
import java.net.URL;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

import javax.tools.JavaCompiler;
import javax.tools.JavaFileObject;
import javax.tools.SimpleJavaFileObject;
import javax.tools.ToolProvider;

import static org.assertj.core.api.Assertions.assertThat;

/** Makes records of any components, and compiles them. */
final class RecordSources {

	private static final List<String> SCALARS = List.of("int", "long", "short", "byte", "char", "boolean", "float",
			"double", "Integer", "Long", "Boolean", "Double", "String", "Color", "byte[]", "java.time.Instant",
			"java.time.Duration", "java.math.BigDecimal", "java.math.BigInteger", "java.util.UUID",
			"tools.jackson.databind.JsonNode");

	private static final List<String> NAMES = List.of("id", "name", "a", "b", "isOpen", "größe", "URL", "x1", "_under",
			"aNameThatIsLongerThanTwentyThreeBytes", "value", "values", "key", "type", "getter", "nameOfEight");

	private final Random random;

	private RecordSources(Random random) {
		this.random = random;
	}

	/** Compiles records, of which some have others as components. */
	static List<Class<?>> compile(Path folder, int count, Random random) throws Exception {
		String source = new RecordSources(random).source(count);
		JavaFileObject file = new SimpleJavaFileObject(URI.create("string:///Made.java"), JavaFileObject.Kind.SOURCE) {

			@Override
			public CharSequence getCharContent(boolean ignoreEncodingErrors) {
				return source;
			}

		};
		JavaCompiler compiler = ToolProvider.getSystemJavaCompiler();
		assertThat(
				compiler
					.getTask(null, null, null,
							List.of("-d", folder.toString(), "-proc:none", "-cp",
									System.getProperty("java.class.path")),
							null, List.of(file))
					.call())
			.isTrue();
		List<Class<?>> types = new ArrayList<>();
		try (URLClassLoader loader = new URLClassLoader(new URL[] { folder.toUri().toURL() },
				RecordSources.class.getClassLoader())) {
			for (int i = 0; i < count; i++) {
				types.add(Class.forName("Made$R" + i, true, loader));
			}
			Class.forName("Made", true, loader);
			Class.forName("Made$Color", true, loader);
			Class.forName("Made$Page", true, loader);
		}
		return types;
	}

	private String source(int count) {
		StringBuilder source = new StringBuilder("public class Made { public enum Color { RED, GREEN }\n"
				+ "public record Page<T>(java.util.List<T> items, T first, int total) {}\n");
		for (int i = 0; i < count; i++) {
			List<String> names = new ArrayList<>(NAMES);
			List<String> components = new ArrayList<>();
			for (int j = 1 + this.random.nextInt(8); j > 0; j--) {
				components.add(type(i, true) + ' ' + names.remove(this.random.nextInt(names.size())));
			}
			source.append(this.random.nextBoolean() ? "public " : "")
				.append("record R" + i + '(' + String.join(", ", components) + ") {}\n");
		}
		return source.append('}').toString();
	}

	private String type(int known, boolean mayBePrimitive) {
		return switch (this.random.nextInt(10)) {
			case 0 -> "java.util.List<" + type(known, false) + '>';
			case 1 -> "java.util.Map<String, " + type(known, false) + '>';
			case 2 -> "java.util.Optional<" + type(known, false) + '>';
			case 3 -> "Page<" + type(known, false) + '>';
			case 4 -> (known > 0) ? "R" + this.random.nextInt(known) : "String";
			case 5 -> SCALARS.get(this.random.nextInt(14)) + "[]";
			default -> SCALARS.get(
					mayBePrimitive ? this.random.nextInt(SCALARS.size()) : 8 + this.random.nextInt(SCALARS.size() - 8));
		};
	}

}
