package dev.tinyipc.spring.autoconfigure;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

import dev.tinyipc.spring.child.ChildSettings;
import org.junit.jupiter.api.Test;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** What an editor shows of each property. */
class PropertyDescriptionsTests {

	private static final Pattern PARAMETER = Pattern.compile("@param (\\w+) (.*)");

	@Test
	void everyPropertyHasADescriptionInBootsStyle() throws IOException {
		assertThat(properties()).hasSizeGreaterThan(6)
			.allSatisfy((property) -> assertThat(property.path("description").asString(""))
				.as(property.path("name").asString())
				.matches("[A-Z].*\\.")
				.doesNotStartWith("The ")
				.doesNotStartWith("A "))
			.filteredOn((property) -> property.path("type").asString("").equals(Boolean.class.getName()))
			.isNotEmpty()
			.allSatisfy((property) -> assertThat(property.path("description").asString())
				.as(property.path("name").asString())
				.startsWith("Whether "));
	}

	/** Editors read those of the values of a map from the source. */
	@Test
	void everySettingOfAChildHasADescriptionInBootsStyle() throws IOException {
		String source = Files.readString(Path.of("src/main/java/dev/tinyipc/spring/child/ChildSettings.java"));
		Map<String, String> descriptions = PARAMETER.matcher(source)
			.results()
			.collect(Collectors.toMap((match) -> match.group(1), (match) -> match.group(2)));
		for (Class<?> type : List.of(ChildSettings.class, ChildSettings.Sandbox.class, ChildSettings.Limits.class,
				ChildSettings.Restart.class)) {
			assertThat(type.getRecordComponents())
				.allSatisfy((component) -> assertThat(descriptions.get(component.getName())).as(component.getName())
					.matches((component.getType() == boolean.class) ? "Whether .*" : "(?!The |A )[A-Z].*"));
		}
	}

	private static List<JsonNode> properties() throws IOException {
		String metadata = Files.readString(Path.of("target/classes/META-INF/spring-configuration-metadata.json"));
		return JsonMapper.shared().readTree(metadata).path("properties").valueStream().toList();
	}

}
