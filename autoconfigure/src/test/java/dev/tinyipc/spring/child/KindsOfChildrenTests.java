package dev.tinyipc.spring.child;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcExchange;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.IpcPoisonRequestException;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.RawWorker;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

import org.springframework.boot.autoconfigure.AutoConfigurations;
import org.springframework.boot.test.context.assertj.AssertableApplicationContext;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** One contract, and children of all kinds behind it. */
@Timeout(180)
class KindsOfChildrenTests {

	/** What a child is written in. */
	enum Kind {

		JAVA, SPRING, PYTHON;

		private ApplicationContextRunner application() {
			ApplicationContextRunner application = switch (this) {
				case JAVA -> RawWorker.nothing()
					.withPropertyValues("ipc.children.worker.main=" + Library.InJava.class.getName());
				case SPRING -> RawWorker.nothing()
					.withPropertyValues("ipc.children.worker.main=" + Library.InSpring.class.getName());
				case PYTHON -> PythonWorker.application("/library_worker.py");
			};
			return application.withConfiguration(AutoConfigurations.of(IpcListenerAutoConfiguration.class))
				.withPropertyValues("ipc.children.worker.ready=true", "ipc.children.worker.concurrency=4",
						"ipc.children.worker.restart.initial-delay=1ms");
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "worker", types = Library.class)
	static class Caller {

		@Bean
		Answers answers() {
			return new Answers();
		}

	}

	/** What the parent answers its child. */
	static class Answers {

		@IpcListener("worker")
		String answer(String question) {
			return "parent(" + question + ")";
		}

	}

	/** Has one method more than any child. */
	@IpcExchange("library.")
	interface Demanding extends Library {

		String translate(String title);

	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "worker", types = Demanding.class)
	static class DemandingCaller {

		@Bean
		String used(Demanding library) {
			return library.toString();
		}

	}

	/** Uses the contract. */
	@FunctionalInterface
	private interface Use {

		void of(Library library, AssertableApplicationContext context) throws Exception;

	}

	private static void with(Kind kind, Use use) {
		kind.application()
			.withUserConfiguration(Caller.class)
			.run((context) -> use.of(context.getBean(Library.class), context));
	}

	@ParameterizedTest
	@EnumSource
	void valuesOfAnyTypeGoBothWays(Kind kind) {
		with(kind, (library, context) -> {
			Library.Book book = library.find("Notes");
			assertThat(book).isEqualTo(new Library.Book("Notes", "Ada"));
			assertThat(library.byAuthor(List.of(book, book))).isEqualTo(Map.of("Ada", List.of(book, book)));
		});
	}

	@ParameterizedTest
	@EnumSource
	void streamsAreReadToTheirEndOrClosed(Kind kind) {
		with(kind, (library, context) -> {
			try (Stream<Integer> pages = library.pages(10_000)) {
				assertThat(pages.toList()).isEqualTo(IntStream.range(0, 10_000).boxed().toList());
			}
			try (Stream<Integer> pages = library.pages(Integer.MAX_VALUE)) {
				assertThat(pages.findFirst()).contains(0);
			}
			assertThat(library.find("next").title()).isEqualTo("next");
			assertThat(restarts(context)).isZero();
		});
	}

	@ParameterizedTest
	@EnumSource
	void futureThatIsCancelledIsCancelledInTheChild(Kind kind) {
		with(kind, (library, context) -> {
			Awaitility.await().until(() -> {
				CompletableFuture<String> lent = library.lend("Notes");
				Awaitility.await().until(() -> context.getBean(IpcChild.class).instances().get(0).busyLanes() == 1);
				lent.cancel(true);
				assertThatExceptionOfType(CancellationException.class).isThrownBy(lent::join);
				// A lane that is busy may not have sent the request yet.
				return library.cancelled() > 0;
			});
			assertThat(restarts(context)).isZero();
		});
	}

	@ParameterizedTest
	@EnumSource
	void descriptorsGoBothWays(Kind kind, @TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("book"), "content");
		with(kind, (library, context) -> {
			try (OwnedFd book = OwnedFd.open(file); OwnedFd copy = library.copy(book)) {
				assertThat(Path.of("/proc/self/fd/" + copy.fd())).hasContent("copy of content");
			}
		});
	}

	@ParameterizedTest
	@EnumSource
	void durationIsTheTimeoutOfTheCall(Kind kind) {
		with(kind, (library, context) -> {
			assertThatExceptionOfType(IpcTimeoutException.class)
				.isThrownBy(() -> library.read("Notes", Duration.ofMillis(200)));
			assertThat(library.find("next").title()).isEqualTo("next");
			assertThat(restarts(context)).isZero();
		});
	}

	@ParameterizedTest
	@EnumSource
	void failureNamesItsType(Kind kind) {
		with(kind,
				(library, context) -> assertThatExceptionOfType(IpcRemoteException.class)
					.isThrownBy(() -> library.fail("on purpose"))
					.withMessageContaining("on purpose")
					.satisfies((ex) -> assertThat(ex.remoteType())
						.endsWith((kind == Kind.PYTHON) ? "ValueError" : "IllegalStateException")));
	}

	@ParameterizedTest
	@EnumSource
	void listenerOfTheParentAnswersItsChild(Kind kind) {
		with(kind, (library, context) -> assertThat(library.ask("why")).isEqualTo("child(parent(why))"));
	}

	@ParameterizedTest
	@EnumSource
	void childThatLacksAMethodFailsTheStartWithBothLists(Kind kind) {
		kind.application()
			.withUserConfiguration(DemandingCaller.class)
			.run((context) -> assertThat(context).getFailure()
				.rootCause()
				.hasMessageContainingAll("library.translate", "library.find"));
	}

	@ParameterizedTest
	@EnumSource
	void deathIsToldWithItsStatusAndLastWords(Kind kind) {
		with(kind,
				(library, context) -> assertThatExceptionOfType(IpcReplyLostException.class)
					.isThrownBy(() -> library.die("old age"))
					.satisfies((ex) -> {
						assertThat(ex.postMortem().orElseThrow().exitStatus()).hasToString("exit code 7");
						assertThat(ex.postMortem().orElseThrow().lastLines())
							.anyMatch((line) -> line.contains("dying of old age"));
					}));
	}

	@ParameterizedTest
	@EnumSource
	void requestThatHasKilledTwoIsRefused(Kind kind) {
		kind.application()
			.withUserConfiguration(Caller.class)
			.withPropertyValues("ipc.children.worker.quarantine=1h")
			.run((context) -> {
				Library library = context.getBean(Library.class);
				for (int i = 0; i < 2; i++) {
					assertThatExceptionOfType(IpcReplyLostException.class).isThrownBy(() -> library.die("poison"));
				}
				assertThatExceptionOfType(IpcPoisonRequestException.class).isThrownBy(() -> library.die("poison"));
				assertThat(library.find("next").title()).isEqualTo("next");
			});
	}

	private static long restarts(AssertableApplicationContext context) {
		return context.getBean(IpcChild.class).instances().get(0).restarts();
	}

}
