package dev.tinyipc.spring.readme;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

/** Every piece of Java in the README stands in a source that is compiled. */
class ReadmeTests {

	private static final Pattern SNIPPET = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

	private static final Path ROOT = Path.of("..");

	@Test
	void snippetsAreThoseOfCompiledSources() throws IOException {
		String sources = withoutSpace(Stream
			.of("autoconfigure/src/test/java/dev/tinyipc/spring/readme/Application.java",
					"autoconfigure/src/test/java/dev/tinyipc/spring/readme/ThumbnailWorker.java",
					"core/src/test/java/dev/tinyipc/TutorialTests.java")
			.map(ReadmeTests::read)
			.reduce("", String::concat));
		List<String> snippets = SNIPPET.matcher(read("README.md")).results().map((match) -> match.group(1)).toList();
		assertThat(snippets).hasSizeGreaterThan(5)
			.allSatisfy((snippet) -> assertThat(sources).contains(withoutSpace(snippet)));
	}

	private static String withoutSpace(String text) {
		return text.replaceAll("\\s", "");
	}

	private static String read(String file) {
		try {
			return Files.readString(ROOT.resolve(file));
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

}
