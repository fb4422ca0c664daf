package dev.tinyipc.spring;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** One caller, and one interface that is implemented in different places. */
@Timeout(120)
class ContractPlacesTests {

	interface Sorted<T> {

		List<T> sorted(List<T> values);

		CompletableFuture<List<T>> sortedLater(List<T> values);

	}

	@IpcExchange("words.")
	interface Words extends Sorted<Word> {

		Stream<Word> repeated(Word word, int times);

		OwnedFd file(Word word);

		String content(Path file, Duration timeout);

		CompletableFuture<Word> failing(String why);

		default Word longest(List<Word> words) {
			List<Word> sorted = sorted(words);
			return sorted.get(sorted.size() - 1);
		}

	}

	/** By length. */
	record Word(String text) implements Comparable<Word> {

		@Override
		public int compareTo(Word other) {
			return Integer.compare(this.text.length(), other.text.length());
		}

	}

	/** The implementation, and a child in plain Java. */
	static class Dictionary implements Words {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().service(Words.class, new Dictionary()).serve();
		}

		@Override
		public List<Word> sorted(List<Word> values) {
			return values.stream().sorted().toList();
		}

		@Override
		public CompletableFuture<List<Word>> sortedLater(List<Word> values) {
			return CompletableFuture.supplyAsync(() -> sorted(values));
		}

		@Override
		public Stream<Word> repeated(Word word, int times) {
			return IntStream.range(0, times).mapToObj((i) -> word);
		}

		@Override
		public OwnedFd file(Word word) {
			try {
				SharedMemory memory = SharedMemory.create("word");
				memory.outputStream().write(word.text().getBytes(StandardCharsets.UTF_8));
				return memory.descriptor();
			}
			catch (IOException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public String content(Path file, Duration timeout) {
			try {
				return Files.readString(file);
			}
			catch (IOException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public CompletableFuture<Word> failing(String why) {
			return CompletableFuture.failedFuture(new IllegalStateException(why));
		}

	}

	/** A child that is an application itself. */
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	static class DictionaryApplication {

		public static void main(String[] arguments) {
			SpringApplication.run(DictionaryApplication.class, arguments);
		}

		@Bean
		Words words() {
			return new Dictionary();
		}

		@Bean
		CommandLineRunner serve(Words words) {
			return (arguments) -> IpcServer.builder().service(Words.class, words).serve();
		}

	}

	@Configuration(proxyBeanMethods = false)
	@ImportIpcServices(destination = "words", types = Words.class)
	static class Caller {

		@Bean
		String used(Words words) {
			return words.toString();
		}

	}

	private final ApplicationContextRunner caller = RawWorker.nothing().withUserConfiguration(Caller.class);

	@Test
	void childInPlainJavaImplementsIt(@TempDir Path folder) {
		this.caller.withPropertyValues("ipc.children.words.main=" + Dictionary.class.getName())
			.run((context) -> assertWorks(context.getBean(Words.class), IpcRemoteException.class, folder));
	}

	@Test
	void childThatIsASpringApplicationImplementsIt(@TempDir Path folder) {
		this.caller.withPropertyValues("ipc.children.words.main=" + DictionaryApplication.class.getName())
			.run((context) -> assertWorks(context.getBean(Words.class), IpcRemoteException.class, folder));
	}

	@Configuration(proxyBeanMethods = false)
	static class InTheSameJvm {

		@Bean
		Words dictionary() {
			return new Dictionary();
		}

	}

	@Test
	void beanOfTheSameJvmImplementsItForTests(@TempDir Path folder) {
		this.caller.withUserConfiguration(InTheSameJvm.class).run((context) -> {
			assertThat(context.getBean(Words.class)).isInstanceOf(Dictionary.class);
			assertWorks(context.getBean(Words.class), IllegalStateException.class, folder);
		});
	}

	private static void assertWorks(Words words, Class<? extends Exception> failure, Path folder) throws Exception {
		List<Word> given = List.of(new Word("three"), new Word("a"), new Word("to"));
		assertThat(words.sorted(given)).containsExactly(new Word("a"), new Word("to"), new Word("three"));
		assertThat(words.sortedLater(given).get()).isEqualTo(words.sorted(given));
		assertThat(words.longest(given)).isEqualTo(new Word("three"));
		try (Stream<Word> repeated = words.repeated(new Word("x"), 3)) {
			assertThat(repeated).containsExactly(new Word("x"), new Word("x"), new Word("x"));
		}
		try (OwnedFd file = words.file(new Word("in a file"))) {
			assertThat(Path.of("/proc/self/fd/" + file.fd())).hasContent("in a file");
		}
		Path file = Files.writeString(folder.resolve("file"), "content");
		assertThat(words.content(file, Duration.ofSeconds(30))).isEqualTo("content");
		assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> words.failing("why").get())
			.withCauseInstanceOf(failure)
			.withMessageContaining("why");
	}

}
