package dev.tinyipc;

import java.io.ByteArrayInputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.Shapes.Circle;
import dev.tinyipc.Shapes.Shape;
import dev.tinyipc.Shapes.Square;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.awaitility.Awaitility.await;

/** An interface that one process calls and another one implements. */
@Timeout(60)
class ContractTests {

	private static final List<Shape> BOTH = List.of(new Circle(1), new Square(2));

	private final Library.Shelf shelf = new Library.Shelf();

	private Conversation conversation;

	private Library library;

	@BeforeEach
	void open() throws IOException {
		this.conversation = Conversation.with(IpcServer.builder().service(Library.class, this.shelf));
		this.library = IpcContract.of(Library.class).client(new ContractCaller(this.conversation));
	}

	@AfterEach
	void close() throws IOException {
		this.conversation.close();
	}

	@Test
	void valuesOfAllTypesGoThereAndBack() {
		assertThat(this.library.nothingIn()).isEqualTo("nothing in");
		this.library.nothingOut("hello");
		assertThat(this.shelf.said).containsExactly("hello");
		assertThat(this.library.length("four")).isEqualTo(4);
		assertThat(this.library.length(null)).isEqualTo(-1);
		assertThat(this.library.find("circle")).contains(new Circle(1));
		assertThat(this.library.find("none")).isEmpty();
	}

	@Test
	void severalParametersAreAMapByTheirNames() throws Exception {
		assertThat(this.library.add(1, Long.MAX_VALUE - 1)).isEqualTo(Long.MAX_VALUE);
		assertThat(this.library.named("a", BOTH, null)).isEqualTo(Map.of("a", BOTH));
		assertThat(this.library.named("b", BOTH, new Circle(7)))
			.isEqualTo(Map.of("b", List.of(new Circle(1), new Circle(7))));
		assertThat(this.conversation.call("library.sum", Map.of("one", 3, "other", 4, "ignored", 5))).isEqualTo(7);
		assertThat(this.conversation.call("library.named",
				Map.of("name", "c", "shapes", List.of(Map.of("kind", "square", "side", 5)))))
			.isEqualTo(Map.of("c", List.of(Map.of("kind", "square", "side", 5))));
	}

	@Test
	void payloadThatIsNoMapOfTheParametersIsRefusedByName() throws Exception {
		for (Object wrong : List.of(3, List.of(3, 4), Map.of("one", 3), Map.of("one", "three", "other", 4))) {
			assertThatExceptionOfType(IpcException.Remote.class).as("%s", wrong)
				.isThrownBy(() -> this.conversation.call("library.sum", wrong))
				.withMessageMatching("(?s).*(one|other).*");
		}
		assertThatExceptionOfType(IpcException.Remote.class)
			.isThrownBy(() -> this.conversation.call("library.sum", null))
			.withMessageContaining("one, other");
		assertThat(this.library.add(1, 2)).isEqualTo(3);
	}

	@Test
	void inheritedMethodsHaveTheTypesOfTheContract() {
		assertThat(this.library.mirrored(new Circle(3))).isEqualTo(new Circle(-3));
		assertThat(this.library.reversed(BOTH)).containsExactly(new Square(2), new Circle(1));
		Shapes.Store<Shape> store = this.library;
		assertThat(store.mirrored(new Square(3))).isEqualTo(new Square(3));
	}

	@Test
	void filesOfParametersTravelAsDescriptorsAndNothingStaysOpen(@TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "of a path");
		try (OwnedFd one = Samples.memoryFile("1");
				OwnedFd two = Samples.memoryFile("2");
				InputStream three = Samples.memoryFile("3").inputStream()) {
			this.library.contentOf(file);
			LeakWatch watch = new LeakWatch();
			assertThat(this.library.contentOf(file)).isEqualTo("of a path");
			assertThat(this.library.contents(one, "-", List.of(), three)).isEqualTo("1-3");
			assertThat(this.library.contents(one, "-", List.of(two, one), three)).isEqualTo("1-2-1-3");
			watch.assertNoneLeft();
			assertThat(one.isClosed()).isFalse();
			assertThat(three.read()).isEqualTo('3');
		}
	}

	@Test
	void filesOfResultsBelongToTheCaller() throws Exception {
		try (OwnedFd file = this.library.file("content")) {
			assertThat(Samples.content(file)).isEqualTo("content");
		}
		List<OwnedFd> files = this.library.files(List.of("a", "b"));
		assertThat(files).hasSize(2);
		assertThat(Samples.content(files.get(1))).isEqualTo("b");
		OwnedFd.closeAll(files);
		try (IpcMessage<Shape> message = this.library.withFile(new Square(4), "square")) {
			assertThat(message.payload()).isEqualTo(new Square(4));
			assertThat(Samples.content(message.descriptors().get(0))).isEqualTo("square");
		}
	}

	@Test
	void whatCannotTravelAsADescriptorIsRefusedBeforeAnythingIsSent(@TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "x");
		try (OwnedFd one = Samples.memoryFile("1"); InputStream ofJava = new FileInputStream(file.toFile())) {
			LeakWatch watch = new LeakWatch();
			for (InputStream stream : List.of(ofJava, new ByteArrayInputStream(new byte[1]))) {
				assertThatIllegalArgumentException()
					.isThrownBy(() -> this.library.contents(one, "-", List.of(), stream))
					.withMessageContaining("'last' of Library.contents(")
					.withMessageContaining(stream.getClass().getName())
					.withMessageContaining("OwnedFd.open(path).inputStream()");
			}
			assertThatIllegalArgumentException().isThrownBy(() -> this.library.contentOf(null))
				.withMessageContaining("'file'");
			assertThatExceptionOfType(UncheckedIOException.class)
				.isThrownBy(() -> this.library.contentOf(folder.resolve("missing")))
				.withMessageContaining("missing")
				.withCauseInstanceOf(IpcException.class);
			watch.assertNoneLeft();
		}
		assertThat(this.library.length("next")).isEqualTo(4);
	}

	@Test
	void wrongNumberOfDescriptorsIsAnErrorAndNotAShift() throws Exception {
		try (OwnedFd one = Samples.memoryFile("1")) {
			for (OwnedFd[] wrong : new OwnedFd[][] { {}, { one, one } }) {
				Exchange exchange = this.conversation.ask("library.contentOf", null, wrong);
				assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> exchange.reply(Object.class))
					.withMessageContaining("takes 1 descriptors, but " + wrong.length + " came");
			}
		}
	}

	@Test
	void streamsAreReadElementByElement() throws Exception {
		try (OwnedFd content = Samples.memoryFile("content");
				Stream<List<Shape>> sizes = this.library.sizes(3, content)) {
			assertThat(sizes).containsExactly(List.of(new Circle(0), new Square(7)),
					List.of(new Circle(1), new Square(7)), List.of(new Circle(2), new Square(7)));
		}
		try (Stream<IpcMessage<String>> pages = this.library.pages(List.of("a", "b"))) {
			assertThat(pages.map((page) -> {
				try (page) {
					return page.payload() + Samples.content(page.descriptors().get(0));
				}
				catch (Exception ex) {
					throw new IllegalStateException(ex);
				}
			})).containsExactly("pagea", "pageb");
		}
	}

	@Test
	void closingAStreamCancelsItAndClosesThatOfTheImplementation() {
		try (Stream<Integer> endless = this.library.endless(Duration.ofSeconds(60))) {
			assertThat(endless.limit(3)).containsExactly(0, 1, 2);
		}
		// The next call drops what was on its way, which may keep the implementation
		// waiting.
		assertThat(this.library.timeLeft(Duration.ofHours(1))).isPositive();
		await().until(() -> this.shelf.closed.contains("closed"));
	}

	@Test
	void timeoutIsNotSentAndTheImplementationLearnsWhatIsLeft() {
		assertThat(this.library.timeLeft(Duration.ofHours(1))).isBetween(Duration.ofMinutes(30), Duration.ofHours(1));
		assertThat(this.library.timeLeft(null)).isLessThan(Duration.ofHours(1));
	}

	@Test
	void exceptionsOfTheImplementationKeepTheirType() {
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> this.library.fail("broken"))
			.satisfies((failure) -> assertThat(failure.type()).isEqualTo("java.io.IOException"))
			.satisfies((failure) -> assertThat(failure.remoteMessage()).isEqualTo("broken"));
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> this.library.fail("none"))
			.satisfies((failure) -> assertThat(failure.type()).isEqualTo("java.util.NoSuchElementException"));
		assertThatExceptionOfType(UncheckedIOException.class).isThrownBy(() -> this.library.file(""))
			.withMessageContaining("Library.file(String) returned null");
	}

	@Test
	void defaultMethodsRunAtTheCaller() {
		assertThat(this.library.twice("x")).isEqualTo("nothing in: xx");
		assertThat(IpcContract.of(Library.class).methods()).doesNotContain("library.twice")
			.contains("library.sum", "library.mirrored", "library.nothingIn");
	}

	@Test
	void clientIsAnObjectLikeAnyOther() {
		Library other = IpcContract.of(Library.class).client(new ContractCaller(this.conversation));
		assertThat(this.library).isEqualTo(this.library)
			.isNotEqualTo(other)
			.hasSameHashCodeAs(this.library)
			.hasToString("Library of the peer");
	}

	@Test
	void childServesTheSameContract(@TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "read by a child");
		try (Conversation child = Conversation.with(new ChildJvm(Library.Shelf.class))) {
			Library client = IpcContract.of(Library.class).client(new ContractCaller(child));
			assertThat(client.contentOf(file)).isEqualTo("read by a child");
			assertThat(client.reversed(BOTH)).containsExactly(new Square(2), new Circle(1));
			try (OwnedFd given = client.file("written by a child")) {
				assertThat(Samples.content(given)).isEqualTo("written by a child");
			}
			assertThat(child.requester().hello().orElseThrow().methods().orElseThrow())
				.isEqualTo(IpcContract.of(Library.class).methods());
		}
	}

}
