package dev.tinyipc.spring.listener;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

import com.fasterxml.jackson.annotation.JsonSubTypes;
import com.fasterxml.jackson.annotation.JsonTypeInfo;
import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.autoconfigure.IpcListenerAutoConfiguration;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;
import jakarta.validation.constraints.Positive;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.boot.validation.autoconfigure.ValidationAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Import;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.Headers;
import org.springframework.messaging.handler.annotation.MessageExceptionHandler;
import org.springframework.messaging.handler.annotation.Payload;

/** A child that is an application of its own, whose beans answer its parent. */
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, ValidationAutoConfiguration.class,
		IpcAutoConfiguration.class, IpcListenerAutoConfiguration.class })
@Import({ ShopApplication.Shop.class, ShopApplication.Documents.class, ShopApplication.Life.class,
		ShopApplication.Warehouse.class })
class ShopApplication {

	public static void main(String[] arguments) {
		SpringApplication.run(ShopApplication.class, arguments);
	}

	/** Stands for what takes its time at the start of an application. */
	@Bean
	CommandLineRunner gate() {
		return (arguments) -> await(System.getProperty("gate"));
	}

	private static void await(String file) throws InterruptedException {
		while (file != null && !Files.exists(Path.of(file))) {
			Thread.sleep(10);
		}
	}

	record Order(@NotBlank String item, @Positive int quantity) {

	}

	@JsonTypeInfo(use = JsonTypeInfo.Id.NAME)
	@JsonSubTypes({ @JsonSubTypes.Type(Circle.class), @JsonSubTypes.Type(Square.class) })
	sealed interface Shape permits Circle, Square {

	}

	record Circle(int radius) implements Shape {

	}

	record Square(int side) implements Shape {

	}

	/** What a parent and its child agree on. */
	@IpcExchange("warehouse.")
	interface Stock {

		int count(String item, String place);

		Stream<String> items(int limit);

		String fail(String how);

	}

	/** Extends a contract, as an interface in the middle. */
	interface NamedStock extends Stock {

	}

	/** Payloads, headers, and what goes wrong with them. */
	static class Shop {

		@IpcListener("parent")
		String echo(String text) {
			return text;
		}

		@IpcListener(value = "parent", method = IpcListener.NO_METHOD)
		String unnamed(String text) {
			return "unnamed " + text;
		}

		@IpcListener(value = "parent", method = "orders.${what:place}")
		String place(@Valid Order order) {
			return order.item();
		}

		@IpcListener("parent")
		int total(@Payload List<Order> orders) {
			return orders.stream().mapToInt(Order::quantity).sum();
		}

		@IpcListener("parent")
		List<Shape> shapes() {
			return List.of(new Circle(1), new Square(2));
		}

		@IpcListener("parent")
		String header(@Header String tenant, @Header(name = "count", defaultValue = "7") int count, String text) {
			return tenant + count + text;
		}

		@IpcListener("parent")
		Map<String, Object> headers(@Headers Map<String, Object> headers) {
			return Map.copyOf(headers);
		}

		@IpcListener("parent")
		String message(Message<Order> message, @Payload Order order) {
			return (message.getPayload() == order) + " " + message.getHeaders().get("tenant");
		}

		@IpcListener("parent")
		String optional(Optional<String> text) {
			return text.map((some) -> "some " + some).orElse("none");
		}

		@IpcListener("parent")
		String context(IpcContext context) {
			return context.method().orElseThrow() + " " + (context.deadline().remainingNanos() < Long.MAX_VALUE);
		}

		@IpcListener("parent")
		void nothing(String text) {
		}

		@IpcListener("parent")
		Stream<Integer> upTo(int end) {
			return Stream.iterate(0, (number) -> number + 1).limit(end);
		}

		@IpcListener("parent")
		String fail(String how) {
			switch (how) {
				case "handled":
					throw new UnsupportedOperationException("handled here");
				case "translated":
					throw new IllegalArgumentException(new ArithmeticException("a cause"));
				default:
					throw new IllegalStateException(how);
			}
		}

		@MessageExceptionHandler
		String unsupported(UnsupportedOperationException failure, Message<?> request) {
			return failure.getMessage() + " for " + request.getPayload();
		}

		@MessageExceptionHandler
		void arithmetic(ArithmeticException failure) {
			throw new SecurityException("translated from " + failure.getMessage());
		}

	}

	/** Descriptors in both directions. */
	static class Documents {

		@IpcListener("parent")
		String contents(InputStream first, List<OwnedFd> more, String separator, OwnedFd last) throws IOException {
			StringBuilder contents = new StringBuilder(read(first));
			for (OwnedFd file : more) {
				contents.append(separator).append(read(file.inputStream()));
			}
			return contents.append(separator).append(read(last.inputStream())).toString();
		}

		@IpcListener("parent")
		IpcMessage<String> copy(OwnedFd file) throws IOException {
			return IpcMessage.of("a copy", memory(read(file.inputStream())));
		}

		@IpcListener("parent")
		IpcServer.Reply reply() throws IOException {
			return new IpcServer.Reply("two", memory("1"), memory("2"));
		}

		@IpcListener("parent")
		OwnedFd descriptor() throws IOException {
			return memory("one");
		}

		@IpcListener("parent")
		List<OwnedFd> descriptors() throws IOException {
			return List.of(memory("1"), memory("2"), memory("3"));
		}

		@IpcListener("parent")
		Stream<IpcMessage<Integer>> pages() {
			return Stream.of(1, 2).map((page) -> {
				try {
					return IpcMessage.of(page, memory("page " + page));
				}
				catch (IOException ex) {
					throw new IllegalStateException(ex);
				}
			});
		}

		private static String read(InputStream content) throws IOException {
			return new String(content.readAllBytes(), StandardCharsets.UTF_8);
		}

		private static OwnedFd memory(String content) throws IOException {
			SharedMemory memory = SharedMemory.create("content");
			memory.outputStream().write(content.getBytes(StandardCharsets.UTF_8));
			return memory.descriptor();
		}

	}

	/** Threads, futures, and the end. */
	static class Life {

		private final CyclicBarrier four = new CyclicBarrier(4);

		private final AtomicInteger cancelled = new AtomicInteger();

		private final ConfigurableApplicationContext context;

		private final IpcListenerEndpointRegistry registry;

		private final CborMessageTemplate template;

		Life(ConfigurableApplicationContext context, IpcListenerEndpointRegistry registry,
				CborMessageTemplate template) {
			this.context = context;
			this.registry = registry;
			this.template = template;
		}

		@IpcListener(value = "parent", concurrency = "${lanes:8}")
		String meet(String name) throws Exception {
			this.four.await();
			return name;
		}

		@IpcListener("parent")
		CompletableFuture<String> later(String text) {
			return CompletableFuture.supplyAsync(() -> {
				if (text.equals("fail")) {
					throw new UnsupportedOperationException("later");
				}
				return text;
			});
		}

		@IpcListener("parent")
		CompletableFuture<String> never() {
			CompletableFuture<String> never = new CompletableFuture<>();
			never.whenComplete((result, failure) -> this.cancelled.incrementAndGet());
			return never;
		}

		@IpcListener("parent")
		int cancelled() {
			return this.cancelled.get();
		}

		@IpcListener("parent")
		String await(String file) throws InterruptedException {
			ShopApplication.await(file);
			return "at last";
		}

		@IpcListener("parent")
		void pause() {
			this.registry.getListenerContainer("parent").stop();
		}

		/** From a thread that is none of a listener's. */
		@IpcListener("parent")
		void resumeAfter(String file) {
			Thread thread = new Thread(() -> {
				try {
					ShopApplication.await(file);
					this.registry.getListenerContainer("parent").start();
				}
				catch (InterruptedException ex) {
					Thread.currentThread().interrupt();
				}
			});
			thread.setDaemon(true);
			thread.start();
		}

		@IpcListener("parent")
		void close() {
			new Thread(this.context::close).start();
		}

		@IpcListener("parent")
		String thread() throws ReflectiveOperationException {
			Thread thread = Thread.currentThread();
			boolean virtual = Runtime.version().feature() >= 21
					&& (Boolean) Thread.class.getMethod("isVirtual").invoke(thread);
			return virtual ? "virtual" : "platform";
		}

		/** By the template, as any bean could. */
		@IpcListener("parent")
		String askBack(String text) {
			try (Stream<Integer> numbers = this.template.method("numbers")
				.convertSendAndStream("parent", 3, Integer.class)) {
				return this.template.method("ask").<String>convertSendAndReceive("parent", text, String.class)
						+ numbers.map(String::valueOf).collect(Collectors.joining());
			}
		}

		@IpcListener("parent")
		void sendWithoutRequest() {
			this.template.convertAndSend("parent", "nobody would take it");
		}

	}

	/** Serves an interface as a whole. */
	@IpcListener("parent")
	static class Warehouse implements NamedStock {

		@Override
		public int count(String item, String place) {
			return item.length() + place.length();
		}

		@Override
		public Stream<String> items(int limit) {
			return Stream.iterate("a", (item) -> item + "a").limit(limit);
		}

		@Override
		public String fail(String how) {
			if (how.equals("wrong type")) {
				throw new ArithmeticException();
			}
			throw new UnsupportedOperationException(how);
		}

		@MessageExceptionHandler
		String unsupported(UnsupportedOperationException failure) {
			return "handled " + failure.getMessage();
		}

		@MessageExceptionHandler
		int arithmetic(ArithmeticException failure) {
			return 7;
		}

	}

}
