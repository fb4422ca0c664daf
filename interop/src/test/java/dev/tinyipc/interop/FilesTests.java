package dev.tinyipc.interop;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;

import static org.assertj.core.api.Assertions.assertThat;

/** What stands in files agrees with what it was made from, and works as it is printed. */
@Timeout(value = 180, unit = TimeUnit.SECONDS)
class FilesTests {

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@Test
	void readmeShowsTheChildInTenLinesAsItIs() throws Exception {
		String child = Files.readString(Path.of("python", "ten_lines.py"));
		assertThat(Files.readString(Path.of("..", "README.md"))).contains("```python\n" + child.strip() + "\n```");
		String code = child.substring(child.indexOf("import"));
		assertThat(code.lines().filter((line) -> !line.isBlank())).hasSizeLessThanOrEqualTo(10);
	}

	@Test
	void readmeLinksEveryLanguage() throws Exception {
		String readme = Files.readString(Path.of("..", "README.md"));
		assertThat(Arrays.stream(Language.values())).hasSize(8)
			.allSatisfy((language) -> assertThat(readme).contains("](interop/" + language + "/"))
			.allSatisfy((language) -> assertThat(Path.of(language.toString())).isDirectory());
	}

	@Test
	void childInTenLinesAnswersAnyRequest() throws Exception {
		Language.PYTHON.require();
		try (Child child = new Child(Language.python("ten_lines.py"))) {
			for (Object request : List.of("Größe", 42, -1.5, true, List.of(), List.of(1, "a"), Map.of(),
					Map.of("payload", 7), Map.of("list", List.of(Map.of("key", "value"))))) {
				assertThat(child.ask(request).toString()).isEqualTo(JsonMapper.shared().writeValueAsString(request));
			}
		}
	}

	@Test
	void childInTenLinesAnswersWhatIsLargerThanAPacketToo() throws Exception {
		Language.PYTHON.require();
		byte[] payload = new byte[2_000_000];
		payload[1_999_999] = 7;
		try (Child child = new Child(Language.python("ten_lines.py"))) {
			assertThat(Arrays.equals(child.ask(payload).binaryValue(), payload)).isTrue();
			child.socket().close();
			assertThat(child.exit().isSuccess()).isTrue();
		}
	}

	@Test
	void manifestIsWhatItsProgramMakes() throws Exception {
		Programs.require("The manifest", List.of("python3"));
		Path copy = Programs.TARGET.resolve("vectors");
		Programs.copy(Path.of("vectors"), copy);
		Programs.run(copy, List.of("python3", "make.py"));
		assertThat(copy.resolve("manifest.json")).hasSameTextualContentAs(Vectors.MANIFEST);
	}

	@Test
	void childInAnotherLanguageIsDeclaredByAnAnnotation() throws Exception {
		Language.PYTHON.require();
		List<String> command = Language.PYTHON.command();
		new ApplicationContextRunner()
			.withConfiguration(AutoConfigurations.of(JacksonAutoConfiguration.class, IpcAutoConfiguration.class))
			.withUserConfiguration(Annotated.class)
			.withPropertyValues("test.python=" + command.get(0), "test.script=" + command.get(1))
			.run((context) -> assertThat(context.getBean(CborMessageTemplate.class)
				.convertSendAndReceive("calculator", Map.of("do", "sum", "numbers", List.of(40, 2)), Long.class))
				.isEqualTo(42));
	}

	@ChildProcess(name = "calculator", command = { "${test.python}", "${test.script}" })
	static class Annotated {

	}

}
