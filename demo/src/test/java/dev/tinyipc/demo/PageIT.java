package dev.tinyipc.demo;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** The page in a real browser: Chromium, without a window. */
@DemoTest
@TestPropertySource(properties = {
		// Long enough for a browser on a loaded machine to see it.
		"ipc.children.thumbnailer.restart.initial-delay=5s",
		// It warns of every browser that is newer than itself.
		"logging.level.org.openqa.selenium=error" })
class PageIT {

	private static final String WITHOUT_CHROMIUM = "The page is not tested: there is no chromium and chromedriver"
			+ " in PATH (Debian's packages are chromium and chromium-driver)";

	@TempDir
	private Path directory;

	@Autowired
	private DemoClient client;

	private ChromeDriver browser;

	@BeforeAll
	static void needsChromium() {
		if (isWithoutChromium()) {
			assertThat(System.getenv("TINY_IPC_REQUIRE_ALL")).as(WITHOUT_CHROMIUM).isNotEqualTo("true");
			// Maven counts what is skipped, and keeps the reason to itself.
			System.err.println(WITHOUT_CHROMIUM);
		}
	}

	@BeforeEach
	void openThePage(@LocalServerPort int port) {
		assumeFalse(isWithoutChromium(), WITHOUT_CHROMIUM);
		this.browser = chromium();
		this.browser.get("http://localhost:" + port + '/');
	}

	private static boolean isWithoutChromium() {
		return program("chromium").isEmpty() || program("chromedriver").isEmpty();
	}

	private ChromeDriver chromium() {
		ChromeOptions options = new ChromeOptions().setBinary(program("chromium").orElseThrow());
		options.addArguments("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
				"--disable-background-networking", "--disable-component-update", "--disable-sync",
				"--user-data-dir=" + this.directory.resolve("profile"));
		return new ChromeDriver(
				new ChromeDriverService.Builder().usingDriverExecutable(program("chromedriver").orElseThrow())
					.usingAnyFreePort()
					.build(),
				options);
	}

	private static Optional<File> program(String name) {
		return List.of(System.getenv("PATH").split(File.pathSeparator))
			.stream()
			.map((directory) -> new File(directory, name))
			.filter(File::canExecute)
			.findFirst();
	}

	@AfterEach
	void closeTheBrowser() {
		if (this.browser != null) {
			this.browser.quit();
		}
	}

	@Test
	void showsTheWorkersAndTheirMessagesBeforeAnythingIsChosen() {
		awaitAllRunning();
		for (JsonNode worker : this.client.workers()) {
			int instance = worker.get("instance").asInt();
			assertThat(row(instance).findElement(By.tagName("th")).getText()).isEqualTo("thumbnailer " + instance);
			assertThat(cell(instance, "pid")).isEqualTo(worker.get("pid").asString());
			assertThat(cell(instance, "restarts")).isEqualTo(worker.get("restarts").asString());
			assertThat(cell(instance, "lastExit")).isEqualTo(worker.get("lastExit").asString("–"));
			assertThat(cell(instance, "uptime")).matches("for \\d+ (s|min)");
		}
		assertThat(element("messages").getText()).isEqualTo(messages());
		assertThat(element("result").isDisplayed()).isFalse();
	}

	@Test
	void aCrashAndTheRestartAreSeenHappeningAndTheNextPictureIsShown() throws IOException {
		awaitAllRunning();
		List<JsonNode> before = this.client.workers();
		listenToNews();
		element("crash").click();
		await(() -> victim().isPresent());
		int victim = victim().getAsInt();
		await(() -> cell(victim, "state").equals("BACKOFF") && cell(victim, "pid").equals("–"));
		assertThat(cell(1 - victim, "state")).isEqualTo("RUNNING");
		JsonNode replacement = this.client.awaitReplacement(before.get(victim));
		await(() -> cell(victim, "pid").equals(replacement.get("pid").asString())
				&& cell(victim, "restarts").equals(replacement.get("restarts").asString())
				&& cell(victim, "state").equals("RUNNING"));
		assertThat(cell(victim, "lastExit")).isEqualTo("signal 9 (SIGKILL)");
		assertThat(news()).containsSubsequence(
				"thumbnailer %d (process %s) was killed.".formatted(victim, before.get(victim).get("pid").asString()),
				"thumbnailer " + victim + " ended with signal 9 (SIGKILL) and will restart shortly.",
				"thumbnailer " + victim + " is running again as process " + cell(victim, "pid") + '.');
		assertThat(element("news").getAriaRole()).isEqualTo("status");
		choose("photo.jpg", Pictures.photo());
		await(() -> element("thumbnail").isDisplayed());
	}

	/** Which worker waits for its restart, in the application and not on the page. */
	private OptionalInt victim() {
		return this.client.workers()
			.stream()
			.filter((worker) -> worker.get("state").asString().equals("BACKOFF"))
			.mapToInt((worker) -> worker.get("instance").asInt())
			.findFirst();
	}

	/** Each is there for a second only. */
	private void listenToNews() {
		this.browser.executeScript("""
				window.told = [];
				const news = document.getElementById('news');
				new MutationObserver(() => told.push(news.textContent)).observe(news, { childList: true });
				""");
	}

	@SuppressWarnings("unchecked")
	private List<String> news() {
		return (List<String>) this.browser.executeScript("return told");
	}

	@Test
	void aBombFromTheSamplesIsExplainedAndTheNextSampleShown() {
		sample("bomb.png").click();
		await(() -> element("problem").isDisplayed());
		assertThat(element("problem").getText()).startsWith("bomb.png This picture has 40,000 × 40,000 pixels");
		assertThat(element("result").isDisplayed()).isFalse();
		for (String next : List.of("landscape.jpg", "glass.png")) {
			sample(next).click();
			await(() -> element("thumbnail").isDisplayed() && element("original-name").getText().equals(next));
			assertThat(element("thumbnail").getDomProperty("naturalWidth")).isEqualTo("256");
			assertThat(element("problem").isDisplayed()).isFalse();
		}
	}

	@Test
	void anExploitFromTheSamplesIsRefusedAndWhatItTriedIsListed() {
		sample("exploit.png").click();
		await(() -> element("exploit").isDisplayed());
		assertThat(element("problem").getText())
			.isEqualTo("exploit.png An exploit in this picture took over its worker. 10 of 10 attempts were refused.");
		assertThat(attempts()).hasSize(10)
			.contains("Read /etc/passwd refused: Permission denied")
			.allMatch((attempt) -> attempt.contains(" refused: "));
		sample("glass.png").click();
		await(() -> element("thumbnail").isDisplayed());
		assertThat(element("exploit").isDisplayed()).isFalse();
	}

	private List<String> attempts() {
		return this.browser.findElements(By.cssSelector("#attempts li"))
			.stream()
			.map((attempt) -> attempt.getText().replace('\n', ' '))
			.toList();
	}

	@Nested
	@TestPropertySource(properties = "ipc.children.thumbnailer.sandbox.profile=none")
	class WithoutAProfile {

		@Test
		void whatAnExploitSucceedsInIsListed() {
			sample("exploit.png").click();
			await(() -> element("exploit").isDisplayed());
			assertThat(attempts()).hasSize(10).contains("Read /etc/passwd succeeded", "Run /bin/true succeeded");
		}

	}

	@Test
	void theSamplesAreSeenAndNamed() {
		await(() -> this.browser.findElements(By.cssSelector(".samples img"))
			.stream()
			.allMatch((image) -> image.getDomProperty("naturalWidth").equals("1600")));
		assertThat(this.browser.findElements(By.cssSelector(".samples button"))).hasSize(4)
			.allMatch((button) -> button.getAriaRole().equals("button"))
			.extracting(WebElement::getAccessibleName)
			.first()
			.asString()
			.startsWith("Landscape");
	}

	@Test
	void nothingIsWiderThanANarrowScreen() {
		// No window can be as narrow as a telephone.
		this.browser.executeCdpCommand("Emulation.setDeviceMetricsOverride",
				Map.of("width", 320, "height", 800, "deviceScaleFactor", 1, "mobile", false));
		sample("exploit.png").click();
		await(() -> element("exploit").isDisplayed());
		element("crash").click();
		await(() -> element("workers").getText().contains("SIGKILL"));
		assertThat(this.browser.executeScript("return innerWidth")).isEqualTo(320L);
		assertThat((Long) this.browser.executeScript("return document.documentElement.scrollWidth"))
			.isLessThanOrEqualTo(320);
	}

	@Test
	void aPhotographIsShownWithItsThumbnail() throws IOException {
		awaitAllRunning();
		long sent = this.client.count("ipc.messages.sent");
		choose("photo.jpg", Pictures.photo());
		await(() -> element("thumbnail").isDisplayed());
		assertThat(element("thumbnail").getDomProperty("naturalWidth")).isEqualTo("256");
		assertThat(element("thumbnail").getDomProperty("naturalHeight")).isEqualTo("192");
		assertThat(element("thumbnail-facts").getText()).startsWith("256 × 192 pixels, ");
		assertThat(element("original").getDomProperty("naturalWidth")).isEqualTo("4000");
		assertThat(element("original-name").getText()).isEqualTo("photo.jpg");
		assertThat(element("original-facts").getText()).startsWith("4,000 × 3,000 pixels, ").endsWith(" kB");
		assertThat(this.client.count("ipc.messages.sent")).isEqualTo(sent + 1);
		await(() -> element("messages").getText().equals(messages()));
	}

	@Test
	void anotherSizeMakesAnotherThumbnail() throws IOException {
		choose("photo.jpg", Pictures.photo());
		await(() -> element("thumbnail").isDisplayed());
		this.browser.findElement(By.xpath("//label[normalize-space()='512']")).click();
		await(() -> "512".equals(element("thumbnail").getDomProperty("naturalWidth")));
	}

	@Test
	void aTextFileIsExplainedAndTheNextPictureShown() throws IOException {
		choose("letter.png", Pictures.text());
		await(() -> element("problem").isDisplayed());
		assertThat(element("problem").getText()).startsWith("letter.png This is not a picture");
		assertThat(element("problem").getAriaRole()).isEqualTo("alert");
		assertThat(element("result").isDisplayed()).isFalse();
		choose("disc.png", Pictures.encode(Pictures.disc(800, 400), "png"));
		await(() -> element("thumbnail").isDisplayed());
		assertThat(element("problem").isDisplayed()).isFalse();
	}

	@Test
	void aFileOverTheLimitIsExplained() throws IOException {
		choose("film.png", new byte[30_000_000]);
		await(() -> element("problem").isDisplayed());
		assertThat(element("problem").getText()).contains("20 MB");
	}

	private void choose(String name, byte[] content) throws IOException {
		Path file = Files.write(this.directory.resolve(name), content);
		element("file").sendKeys(file.toString());
	}

	private void awaitAllRunning() {
		await(() -> this.browser.findElements(By.cssSelector("#workers tr[data-state=RUNNING]")).size() == 2);
	}

	private WebElement row(int instance) {
		return this.browser.findElements(By.cssSelector("#workers tr")).get(instance);
	}

	private String cell(int instance, String name) {
		return row(instance).findElement(By.cssSelector("[data-of=" + name + ']')).getText();
	}

	private String messages() {
		return "Messages to and from thumbnailer: %d sent, %d received."
			.formatted(this.client.count("ipc.messages.sent"), this.client.count("ipc.messages.received"));
	}

	private WebElement sample(String name) {
		return this.browser.findElement(By.cssSelector("[data-sample='" + name + "']"));
	}

	private WebElement element(String id) {
		return this.browser.findElement(By.id(id));
	}

	/** An element that was replaced while it was looked at counts as not yet there. */
	private static void await(Callable<Boolean> condition) {
		Awaitility.await().atMost(Duration.ofSeconds(60)).ignoreExceptions().until(condition);
	}

}
