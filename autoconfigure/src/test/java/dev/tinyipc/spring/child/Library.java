package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.annotation.Import;

/**
 * A contract that children of three kinds fulfil: in plain Java, with Spring, and in
 * Python ({@code library_worker.py}).
 */
@IpcExchange("library.")
interface Library {

	Book find(String title);

	Map<String, List<Book>> byAuthor(List<Book> books);

	Stream<Integer> pages(int count);

	CompletableFuture<String> lend(String title);

	int cancelled();

	OwnedFd copy(OwnedFd book);

	String read(String title, Duration timeout);

	String ask(String question);

	String fail(String why);

	void die(String why);

	/** What it lends. */
	record Book(String title, String author) {
	}

	/** A child in plain Java. */
	class InJava extends Shelf {

		private volatile IpcServer server;

		@Override
		String askParent(String question) throws IpcException {
			return this.server.parent().call("answer", question, String.class);
		}

		public static void main(String[] arguments) throws IpcException {
			InJava library = new InJava();
			library.server = IpcServer.builder().service(Library.class, library).threads(4).start();
			library.server.ready();
			library.server.awaitEnd();
		}

	}

	/** A child that is a Spring Boot application. */
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class,
			IpcListenerAutoConfiguration.class })
	@Import(InSpring.Listener.class)
	class InSpring {

		public static void main(String[] arguments) {
			SpringApplication.run(InSpring.class, arguments);
		}

		/** Its bean. */
		@IpcListener(value = "parent", concurrency = "4")
		static class Listener extends Shelf {

			private final ObjectProvider<CborMessageTemplate> template;

			Listener(ObjectProvider<CborMessageTemplate> template) {
				this.template = template;
			}

			@Override
			String askParent(String question) {
				return this.template.getObject()
					.method("answer")
					.convertSendAndReceive("parent", question, String.class);
			}

		}

	}

	/** What both have in common. */
	abstract class Shelf implements Library {

		private final AtomicInteger cancelled = new AtomicInteger();

		abstract String askParent(String question) throws IpcException;

		@Override
		public Book find(String title) {
			return new Book(title, "Ada");
		}

		@Override
		public Map<String, List<Book>> byAuthor(List<Book> books) {
			return Map.of(books.get(0).author(), books);
		}

		@Override
		public Stream<Integer> pages(int count) {
			return Stream.iterate(0, (page) -> page + 1).limit(count);
		}

		@Override
		public CompletableFuture<String> lend(String title) {
			CompletableFuture<String> never = new CompletableFuture<>();
			never.whenComplete((result, failure) -> this.cancelled.incrementAndGet());
			return never;
		}

		@Override
		public int cancelled() {
			return this.cancelled.get();
		}

		@Override
		public OwnedFd copy(OwnedFd book) {
			try {
				SharedMemory copy = SharedMemory.create("copy");
				String content = new String(book.inputStream().readAllBytes(), StandardCharsets.UTF_8);
				copy.outputStream().write(("copy of " + content).getBytes(StandardCharsets.UTF_8));
				return copy.descriptor();
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		@Override
		public String read(String title, Duration timeout) {
			try {
				new CountDownLatch(1).await();
				return "never";
			}
			catch (InterruptedException ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public String ask(String question) {
			try {
				return "child(" + askParent(question) + ")";
			}
			catch (IpcException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		@Override
		public String fail(String why) {
			throw new IllegalStateException(why);
		}

		@Override
		public void die(String why) {
			System.err.println("dying of " + why);
			Runtime.getRuntime().halt(7);
		}

	}

}
