package dev.tinyipc.demo;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.Callable;

import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.openqa.selenium.By;
import org.openqa.selenium.WebDriver;
import org.openqa.selenium.WebElement;
import org.openqa.selenium.chrome.ChromeDriver;
import org.openqa.selenium.chrome.ChromeDriverService;
import org.openqa.selenium.chrome.ChromeOptions;

import org.springframework.boot.test.web.server.LocalServerPort;
import org.springframework.test.context.TestPropertySource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

/** The page in a real browser: Chromium, without a window. */
@DemoTest
// It warns of every browser that is newer than itself.
@TestPropertySource(properties = "logging.level.org.openqa.selenium=error")
class PageIT {

	private static final String WITHOUT_CHROMIUM = "The page is not tested: there is no chromium and chromedriver"
			+ " in PATH (Debian's packages are chromium and chromium-driver)";

	@TempDir
	private Path directory;

	private DemoClient client;

	private WebDriver browser;

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
		this.client = new DemoClient(port);
		this.browser.get("http://localhost:" + port + '/');
	}

	private static boolean isWithoutChromium() {
		return program("chromium").isEmpty() || program("chromedriver").isEmpty();
	}

	private WebDriver chromium() {
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
	void showsTheWorkerAndItsMessagesBeforeAnythingIsChosen() {
		await(() -> cells().size() == 3);
		assertThat(cells()).containsExactly("" + this.client.workerPid(), "" + this.client.count("ipc.messages.sent"),
				"" + this.client.count("ipc.messages.received"));
		assertThat(element("result").isDisplayed()).isFalse();
	}

	@Test
	void aPhotographIsShownWithItsThumbnail() throws IOException {
		await(() -> cells().size() == 3);
		long sent = this.client.count("ipc.messages.sent");
		choose("photo.jpg", Pictures.photo());
		await(() -> element("thumbnail").isDisplayed());
		assertThat(element("thumbnail").getDomProperty("naturalWidth")).isEqualTo("256");
		assertThat(element("thumbnail").getDomProperty("naturalHeight")).isEqualTo("192");
		assertThat(element("thumbnail-facts").getText()).startsWith("256 × 192 pixels, ");
		assertThat(element("original").getDomProperty("naturalWidth")).isEqualTo("4000");
		assertThat(element("original-name").getText()).isEqualTo("photo.jpg");
		assertThat(element("original-facts").getText()).startsWith("4,000 × 3,000 pixels, ").endsWith(" kB");
		await(() -> cells().equals(List.of("" + this.client.workerPid(), "" + (sent + 1),
				"" + this.client.count("ipc.messages.received"))));
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

	private List<String> cells() {
		return this.browser.findElements(By.cssSelector("#workers td")).stream().map(WebElement::getText).toList();
	}

	private WebElement element(String id) {
		return this.browser.findElement(By.id(id));
	}

	/** An element that was replaced while it was looked at counts as not yet there. */
	private static void await(Callable<Boolean> condition) {
		Awaitility.await().atMost(Duration.ofSeconds(60)).ignoreExceptions().until(condition);
	}

}
