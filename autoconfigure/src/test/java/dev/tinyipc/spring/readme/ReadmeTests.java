package dev.tinyipc.spring.readme;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcClient;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.child.ChildSettings;
import dev.tinyipc.spring.observation.DefaultIpcExchangeObservationConvention;
import dev.tinyipc.spring.observation.DefaultIpcProcessObservationConvention;
import dev.tinyipc.spring.observation.IpcObservationDocumentation;
import dev.tinyipc.spring.readme.ReportWorker.Product;
import dev.tinyipc.spring.readme.ReportWorker.Query;
import dev.tinyipc.spring.readme.ReportWorker.Row;
import dev.tinyipc.spring.readme.ReportWorker.Total;
import io.micrometer.common.docs.KeyName;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import tools.jackson.databind.json.JsonMapper;

import org.springframework.boot.context.properties.bind.DataObjectPropertyName;

import static org.assertj.core.api.Assertions.assertThat;

/** What the README says agrees with the sources. */
class ReadmeTests {

	private static final Pattern SNIPPET = Pattern.compile("```java\\n(.*?)```", Pattern.DOTALL);

	/** The code in the first cell of a row. */
	private static final Pattern ROW = Pattern.compile("(?m)^\\| (`[^|]*) \\|");

	private static final Pattern CODE = Pattern.compile("`([^`]+)`");

	private static final Pattern METER = Pattern.compile("\"(ipc\\.[a-z.]+)\"");

	private static final Path ROOT = Path.of("..");

	private static final String SOURCES = "autoconfigure/src/main/java/dev/tinyipc/spring/";

	private static final String EXAMPLES = "autoconfigure/src/test/java/dev/tinyipc/spring/readme/";

	private final String readme = read("README.md");

	@Test
	void everySnippetIsPartOfACompiledSource() {
		String sources = withoutSpace(Stream
			.of(EXAMPLES + "Application.java", EXAMPLES + "ThumbnailWorker.java", EXAMPLES + "EchoApplication.java",
					EXAMPLES + "ModelApplication.java", EXAMPLES + "ReportApplication.java",
					EXAMPLES + "ReportWorker.java", EXAMPLES + "Pictures.java", EXAMPLES + "PictureWorker.java",
					EXAMPLES + "PictureApplication.java",
					"autoconfigure/src/test/java/dev/tinyipc/spring/child/LargeDataTests.java",
					"core/src/test/java/dev/tinyipc/TutorialTests.java",
					"starter-test/src/test/java/dev/tinyipc/spring/test/GreetingTests.java")
			.map(ReadmeTests::read)
			.collect(Collectors.joining()));
		List<String> snippets = SNIPPET.matcher(this.readme).results().map((match) -> match.group(1)).toList();
		assertThat(snippets).hasSizeGreaterThan(8)
			.allSatisfy((snippet) -> assertThat(sources).contains(withoutSpace(snippet)));
	}

	@Test
	void conversationsWork() {
		RawWorker.nothing().withUserConfiguration(ReportApplication.class).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			Query query = new Query("Ada");
			List<Row> rows = new ArrayList<>();
			ReportApplication.rows(template, query, rows::add);
			assertThat(rows).hasSize(2).isEqualTo(ReportApplication.all(template, query));
			assertThat(ReportApplication.total(template, query).amount()).isEqualByComparingTo("7");
			IpcClient client = context.getBean(IpcClient.class);
			assertThat(ReportApplication.total(client, query).amount()).isEqualByComparingTo("7");
			List<Total> totals = new CopyOnWriteArrayList<>();
			ReportApplication.later(client, query, totals::add);
			Awaitility.await().until(() -> totals.size() == 1);
			BigDecimal price = template.method("price")
				.convertSendAndReceive("reports", new Product(BigDecimal.TEN, "EUR"), BigDecimal.class);
			assertThat(price).isEqualByComparingTo("20");
		});
	}

	@Test
	void typedClientsWork(@TempDir Path folder) throws IOException {
		Path picture = Files.writeString(folder.resolve("picture"), "A title\nred\nblue\n" + ".".repeat(256));
		RawWorker.nothing()
			.withUserConfiguration(PictureApplication.class, PictureApplication.Album.class)
			.run((context) -> {
				PictureApplication.Album album = context.getBean(PictureApplication.Album.class);
				assertThat(album.tags(picture)).hasSize(3).contains("blue", "red");
				ByteArrayOutputStream target = new ByteArrayOutputStream();
				album.writeSmall(picture, target);
				assertThat(target.toString(StandardCharsets.UTF_8)).startsWith("png A title").hasSize(260);
				Pictures client = PictureApplication.client(context.getBean(CborMessageTemplate.class));
				assertThat(client.title(picture)).contains("A title");
			});
	}

	@Test
	void everyPropertyIsInATable() {
		String metadata = read("autoconfigure/target/classes/META-INF/spring-configuration-metadata.json");
		List<String> properties = JsonMapper.shared()
			.readTree(metadata)
			.path("properties")
			.valueStream()
			.map((property) -> property.path("name").asString())
			.filter((name) -> name.startsWith("ipc.") && !name.equals("ipc.children"))
			.toList();
		assertThat(properties).hasSizeGreaterThan(6);
		assertThat(rows()).containsAll(properties);
	}

	@Test
	void everyPropertyOfAChildIsInATable() {
		assertThat(rows()).containsAll(names(ChildSettings.class, ""))
			.containsAll(names(ChildSettings.Sandbox.class, "sandbox."))
			.containsAll(names(ChildSettings.Limits.class, "limits."))
			.containsAll(names(ChildSettings.Restart.class, "restart."));
	}

	@Test
	void everyMeterIsInATable() {
		Set<String> meters = Stream.of("MicrometerIpcObserver.java", "IpcChildMetrics.java")
			.flatMap((file) -> METER.matcher(read(SOURCES + "actuate/" + file)).results())
			.map((match) -> match.group(1))
			.collect(Collectors.toCollection(TreeSet::new));
		assertThat(meters).hasSizeGreaterThan(10);
		assertThat(rows()).containsAll(meters);
	}

	@Test
	void everyObservationAndItsKeysAreInATable() {
		assertThat(rows()).contains(DefaultIpcExchangeObservationConvention.NAME,
				DefaultIpcProcessObservationConvention.NAME);
		assertThat(IpcObservationDocumentation.values()).hasSize(2)
			.flatExtracting((observation) -> List.of(observation.getLowCardinalityKeyNames()))
			.extracting(KeyName::asString)
			.hasSize(8)
			.allSatisfy((key) -> assertThat(rows()).contains(key));
	}

	@Test
	void everyExceptionIsInATable() throws IOException {
		try (Stream<Path> files = Files.list(ROOT.resolve(SOURCES))) {
			List<String> exceptions = files.map((file) -> file.getFileName().toString())
				.filter((name) -> name.endsWith("Exception.java"))
				.map((name) -> name.substring(0, name.length() - ".java".length()))
				.filter((name) -> !name.equals(IpcMessagingException.class.getSimpleName()))
				.toList();
			assertThat(exceptions).hasSizeGreaterThan(7);
			assertThat(rows()).containsAll(exceptions);
		}
	}

	private static List<String> names(Class<?> settings, String prefix) {
		return Arrays.stream(settings.getRecordComponents())
			.filter((component) -> !component.getType().isRecord())
			.map((component) -> prefix + DataObjectPropertyName.toDashedForm(component.getName()))
			.toList();
	}

	private List<String> rows() {
		return ROW.matcher(this.readme)
			.results()
			.flatMap((row) -> CODE.matcher(row.group(1)).results())
			.map((code) -> code.group(1))
			.toList();
	}

	private static String withoutSpace(String text) {
		return text.replaceAll("\\s", "");
	}

	private static String read(String file) {
		try {
			return Files.readString(ROOT.resolve(file));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
