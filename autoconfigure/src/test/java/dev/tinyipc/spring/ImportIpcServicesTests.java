package dev.tinyipc.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** Interfaces that are beans here, and implemented by a child. */
@Timeout(120)
class ImportIpcServicesTests {

	@IpcExchange("texts.")
	interface Texts {

		String joined(String first, String second);

		Optional<String> firstLine(Path file);

		OwnedFd file(String content);

		Stream<Integer> numbers(int count);

		String slow(Duration timeout);

		void fail(String why);

		CompletableFuture<List<String>> split(String text);

		CompletableFuture<String> firstLineLater(Path file, Duration timeout);

		CompletableFuture<String> never();

		int cancelled();

		default String twice(String text) {
			return joined(text, text);
		}

	}

	/** More than the child implements. */
	@IpcExchange("texts.")
	interface MoreTexts extends Texts {

		String missing();

		String alsoMissing();

	}

	/** The child. */
	static final class TextWorker implements Texts {

		private final AtomicInteger cancelled = new AtomicInteger();

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().service(Texts.class, new TextWorker()).serve();
		}

		@Override
		public String joined(String first, String second) {
			return first + second;
		}

		@Override
		public Optional<String> firstLine(Path file) {
			try {
				return Files.readString(file).lines().findFirst();
			}
			catch (IOException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public OwnedFd file(String content) {
			try {
				SharedMemory memory = SharedMemory.create("file");
				memory.outputStream().write(content.getBytes(StandardCharsets.UTF_8));
				return memory.descriptor();
			}
			catch (IOException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public Stream<Integer> numbers(int count) {
			return Stream.iterate(0, (number) -> number + 1).limit(count);
		}

		@Override
		public String slow(Duration timeout) {
			try {
				Thread.sleep(Duration.ofMinutes(1).toMillis());
				return "slept";
			}
			catch (InterruptedException ex) {
				return "interrupted";
			}
		}

		@Override
		public CompletableFuture<List<String>> split(String text) {
			return CompletableFuture.supplyAsync(() -> List.of(text.split(",")));
		}

		@Override
		public CompletableFuture<String> firstLineLater(Path file, Duration timeout) {
			return CompletableFuture.supplyAsync(() -> firstLine(file).orElseThrow());
		}

		@Override
		public CompletableFuture<String> never() {
			CompletableFuture<String> future = new CompletableFuture<>();
			future.whenComplete((text, failure) -> {
				if (future.isCancelled()) {
					this.cancelled.incrementAndGet();
				}
			});
			return future;
		}

		@Override
		public int cancelled() {
			return this.cancelled.get();
		}

		@Override
		public void fail(String why) {
			throw new UnsupportedOperationException(why);
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "texts", main = TextWorker.class, ready = true)
	@ImportIpcServices(destination = "texts", types = Texts.class)
	static class Application {

	}

	/** Needs the client, as an application does. */
	@Configuration(proxyBeanMethods = false)
	static class Uses {

		@Bean
		String used(Texts texts) {
			return texts.toString();
		}

	}

	private final ApplicationContextRunner application = RawWorker.nothing()
		.withUserConfiguration(Application.class, Uses.class);

	@Test
	void clientsAreBeansThatCallTheChild(@TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "first\nsecond");
		Path empty = Files.writeString(folder.resolve("empty"), "");
		this.application.run((context) -> {
			Texts texts = context.getBean(Texts.class);
			assertThat(texts.joined("a", "b")).isEqualTo("ab");
			assertThat(texts.twice("c")).isEqualTo("cc");
			assertThat(texts.firstLine(file)).contains("first");
			assertThat(texts.firstLine(empty)).isEmpty();
			try (OwnedFd content = texts.file("content")) {
				assertThat(content.inputStream()).hasContent("content");
			}
			try (Stream<Integer> numbers = texts.numbers(1_000)) {
				assertThat(numbers.limit(3)).containsExactly(0, 1, 2);
			}
			assertThat(texts).hasToString("Texts of destination 'texts'");
		});
	}

	@Test
	void failuresAreThoseOfTheTemplate(@TempDir Path folder) {
		this.application.run((context) -> {
			Texts texts = context.getBean(Texts.class);
			assertThatExceptionOfType(IpcTimeoutException.class).isThrownBy(() -> texts.slow(Duration.ofMillis(50)));
			assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> texts.fail("on purpose"))
				.satisfies((failure) -> assertThat(failure.remoteType())
					.isEqualTo(UnsupportedOperationException.class.getName()));
			assertThatExceptionOfType(IpcMessagingException.class)
				.isThrownBy(() -> texts.firstLine(folder.resolve("missing")))
				.withMessageContaining("missing");
		});
	}

	@Test
	void futuresAreCompletedByTheChildAndCancelledThere(@TempDir Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "first\nsecond");
		this.application.run((context) -> {
			Texts texts = context.getBean(Texts.class);
			assertThat(texts.split("a,b").get()).containsExactly("a", "b");
			assertThat(texts.firstLineLater(file, Duration.ofSeconds(30)).get()).isEqualTo("first");
			assertThatExceptionOfType(ExecutionException.class)
				.isThrownBy(() -> texts.firstLineLater(folder.resolve("missing"), null).get())
				.withCauseInstanceOf(IpcMessagingException.class)
				.withMessageContaining("missing");
			IpcChild child = context.getBean(IpcChild.class);
			CompletableFuture<String> never = texts.never();
			Awaitility.await().until(() -> child.instances().get(0).busyLanes() == 1);
			never.cancel(true);
			Awaitility.await().until(() -> texts.cancelled() == 1);
			assertThat(child.instances().get(0).restarts()).isZero();
		});
	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "texts", types = Unmapped.class)
	static class ImportsWhatCannotBeMapped {

	}

	interface Unmapped {

		void listen(Consumer<String> listener);

	}

	@Test
	void contractThatCannotBeMappedFailsTheStartAlsoIfNobodyUsesIt() {
		RawWorker.nothing().withUserConfiguration(ImportsWhatCannotBeMapped.class).run((context) -> {
			assertThat(context).hasFailed();
			assertThat(context.getStartupFailure()).hasStackTraceContaining(
					"Unmapped.listen(Consumer) parameter 'listener': a java.util.function.Consumer cannot be sent");
		});
	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "texts", main = TextWorker.class, ready = true)
	@ImportIpcServices(destination = "texts", types = MoreTexts.class)
	static class WantsMore {

	}

	@Test
	void childThatLacksMethodsFailsTheStartWithBothLists() {
		RawWorker.nothing().withUserConfiguration(WantsMore.class, Uses.class).run((context) -> {
			assertThat(context).hasFailed();
			assertThat(context.getStartupFailure()).rootCause()
				.hasMessageContaining("'texts' does not have all methods of " + MoreTexts.class.getName())
				.hasMessageContaining(
						"Missing: texts.alsoMissing, texts.missing. There are: texts.cancelled, texts.fail, texts.file, ");
		});
	}

	@Test
	void childWithoutAListOfMethodsIsNotChecked() {
		RawWorker.application().run((context) -> {
			IpcDestination worker = context.getBean(IpcDestination.class);
			assertThat(worker.methods()).isEmpty();
			IpcServiceProxyFactory.checkMethods(Texts.class, worker);
		});
	}

	@Configuration(proxyBeanMethods = false)
	@ChildProcess(name = "left", main = TextWorker.class, ready = true)
	@ChildProcess(name = "right", main = TextWorker.class, ready = true)
	@ImportIpcServices(destination = "left", types = Texts.class)
	@ImportIpcServices(destination = "right", types = Texts.class)
	static class TwoDestinations {

		@Bean
		String both(@Qualifier("left") Texts left, @Qualifier("right") Texts right) {
			return left + " and " + right;
		}

	}

	@Test
	void clientsOfSeveralDestinationsAreToldApartByTheirQualifiers() {
		RawWorker.nothing()
			.withUserConfiguration(TwoDestinations.class)
			.run((context) -> assertThat(context.getBean("both"))
				.isEqualTo("Texts of destination 'left' and Texts of destination 'right'"));
	}

	@Configuration(proxyBeanMethods = false)
	static class OwnTexts {

		@Bean
		Texts ownTexts() {
			return new TextWorker();
		}

	}

	@Configuration(proxyBeanMethods = false)
	@Import(OwnTexts.class)
	@ImportIpcServices(destination = "texts", types = Texts.class)
	static class OwnFirst {

	}

	@Test
	void beanOfTheApplicationTakesPrecedenceWheneverItIsDefined() {
		RawWorker.nothing()
			.withUserConfiguration(OwnFirst.class)
			.run((context) -> assertThat(context.getBean(Texts.class)).isInstanceOf(TextWorker.class));
		this.application.withUserConfiguration(OwnTexts.class)
			.run((context) -> assertThat(context.getBean(Texts.class)).isInstanceOf(TextWorker.class));
	}

	@Test
	void clientNeedsADestination() {
		this.application.run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			assertThatIllegalStateException().isThrownBy(() -> IpcServiceProxyFactory.builder(template).build())
				.withMessageContaining("destination");
			Texts texts = IpcServiceProxyFactory.builder(template)
				.destination("text")
				.build()
				.createClient(Texts.class);
			assertThatExceptionOfType(UnknownDestinationException.class).isThrownBy(() -> texts.joined("a", "b"))
				.withMessageContaining("texts");
		});
	}

}
