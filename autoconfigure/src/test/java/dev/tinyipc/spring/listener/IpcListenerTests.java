package dev.tinyipc.spring.listener;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.ImportIpcServices;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcRemoteException;
import dev.tinyipc.spring.IpcTimeoutException;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;
import dev.tinyipc.spring.listener.ShopApplication.Circle;
import dev.tinyipc.spring.listener.ShopApplication.Order;
import dev.tinyipc.spring.listener.ShopApplication.Shape;
import dev.tinyipc.spring.listener.ShopApplication.Square;
import dev.tinyipc.spring.listener.ShopApplication.Stock;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.core.ParameterizedTypeReference;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A plain parent asks a child with Spring, whose methods are listeners. */
@Timeout(120)
class IpcListenerTests {

	private static ConfigurableApplicationContext context;

	@TempDir
	private Path folder;

	/**
	 * The parent, which has no listeners of its own, and does not need their
	 * configuration.
	 */
	@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
	@ChildProcess(name = "shop", main = ShopApplication.class, ready = true, concurrency = 8)
	@ImportIpcServices(destination = "shop", types = Stock.class)
	static class Parent {

	}

	@BeforeAll
	static void start() {
		context = new SpringApplicationBuilder(Parent.class).properties("ipc.children.shop.restart.policy=never").run();
	}

	@AfterAll
	static void stop() {
		context.close();
	}

	private static CborMessageOperations method(String name) {
		return context.getBean(CborMessageOperations.class).method(name);
	}

	private static String call(String method, Object payload) {
		return method(method).convertSendAndReceive("shop", payload, String.class);
	}

	@Test
	void methodIsCalledByItsJavaNameOrThatOfTheAnnotation() {
		assertThat(call("echo", "hello")).isEqualTo("hello");
		assertThat(call("echo", "")).isEmpty();
		assertThat(call("orders.place", new Order("tea", 2))).isEqualTo("tea");
	}

	@Test
	void helloListsTheMethodsOfAllListeners() {
		assertThat(context.getBean(IpcDestination.class).methods().orElseThrow()).contains("", "echo", "orders.place",
				"warehouse.count", "askBack");
	}

	@Test
	void requestsWithoutAMethodHaveTheirListener() {
		String reply = context.getBean(CborMessageOperations.class)
			.convertSendAndReceive("shop", "request", String.class);
		assertThat(reply).isEqualTo("unnamed request");
	}

	@Test
	void unknownMethodIsAnErrorThatNamesThoseThatThereAre() {
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("sell", ""))
			.withMessageContaining("sell")
			.withMessageContaining("orders.place");
	}

	@Test
	void payloadsAndResultsKeepTheirGenericTypes() {
		assertThat(method("total").<Integer>convertSendAndReceive("shop",
				List.of(new Order("tea", 2), new Order("milk", 3)), Integer.class))
			.isEqualTo(5);
		assertThat(method("shapes").convertSendAndReceive("shop", "", new ParameterizedTypeReference<List<Shape>>() {
		})).containsExactly(new Circle(1), new Square(2));
	}

	@Test
	void optionalPayloadMayBeNull() throws IOException {
		assertThat(call("optional", "thing")).isEqualTo("some thing");
		assertThat(nullSentTo("optional")).isEqualTo("none");
	}

	@Test
	void nullIsRefusedForAParameterThatIsNotOptional() {
		assertThatExceptionOfType(IpcException.Remote.class).isThrownBy(() -> nullSentTo("echo"))
			.withMessageContaining("parameter 'text' of Shop.echo(String)")
			.withMessageContaining("empty");
	}

	private static String nullSentTo(String method) throws IOException {
		return context.getBean(IpcDestination.class).exchange(Duration.ofSeconds(30), false, (exchange) -> {
			exchange.method(method).request(null);
			try (IpcMessage<String> reply = exchange.reply(String.class)) {
				return reply.payload();
			}
		});
	}

	@Test
	void invalidPayloadIsAnErrorThatNamesTheFieldsAndNotTheirContent() {
		assertThatExceptionOfType(IpcRemoteException.class)
			.isThrownBy(() -> call("orders.place", new Order(" ", -12345)))
			.withMessageContaining("parameter 'order' of Shop.place(Order)")
			.withMessageContaining("item must not be blank; quantity must be greater than 0")
			.satisfies((failure) -> assertThat(failure).hasMessageNotContaining("12345"));
	}

	@Test
	void unreadablePayloadIsAnErrorThatNamesTheParameterAndTheField() {
		assertThatExceptionOfType(IpcRemoteException.class)
			.isThrownBy(() -> call("total", List.of(Map.of("item", "tea", "quantity", Map.of("more", List.of(1, 2))))))
			.withMessageContaining("parameter 'orders' of Shop.total(List)")
			.withMessageContaining("quantity");
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("upTo", 1L << 40))
			.withMessageContaining("parameter 'end' of Shop.upTo(int)");
		assertThat(call("echo", "next")).isEqualTo("next");
	}

	@Test
	void headersAreParameters() {
		assertThat(method("header").header("tenant", "acme").<String>convertSendAndReceive("shop", "!", String.class))
			.isEqualTo("acme7!");
		assertThat(method("header").header("tenant", "acme")
			.header("count", "9")
			.<String>convertSendAndReceive("shop", "!", String.class)).isEqualTo("acme9!");
		assertThat(method("headers").header("tenant", "acme")
			.convertSendAndReceive("shop", "", new ParameterizedTypeReference<Map<String, Object>>() {
			})).containsEntry("tenant", "acme").doesNotContainKeys("id", "timestamp");
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("header", "!"))
			.withMessageContaining("tenant");
	}

	@Test
	void messageAndContextAreParameters() {
		assertThat(method("context").<String>convertSendAndReceive("shop", "", String.class)).isEqualTo("context true");
		String reply = method("message").header("tenant", "acme")
			.convertSendAndReceive("shop", new Order("tea", 1), String.class);
		assertThat(reply).isEqualTo("true acme");
	}

	@Test
	void descriptorsAreParametersInTheirOrder() throws IOException {
		try (OwnedFd one = file("1"); OwnedFd two = file("2"); OwnedFd three = file("3"); OwnedFd four = file("4")) {
			assertThat(
					method("contents").<String>convertSendAndReceive("shop", "-", String.class, one, two, three, four))
				.isEqualTo("1-2-3-4");
			assertThat(method("contents").<String>convertSendAndReceive("shop", "-", String.class, one, two))
				.isEqualTo("1-2");
			assertThatExceptionOfType(IpcRemoteException.class)
				.isThrownBy(() -> method("contents").convertSendAndReceive("shop", "-", String.class, one))
				.withMessageContaining("takes at least 2 descriptors, but 1 came");
		}
	}

	private OwnedFd file(String content) throws IOException {
		return OwnedFd.open(Files.writeString(this.folder.resolve(content), content));
	}

	@Test
	void repliesBringDescriptors() throws IOException {
		try (OwnedFd file = file("original");
				IpcMessage<String> copy = method("copy").sendAndReceive("shop", "", String.class, file)) {
			assertThat(copy.payload()).isEqualTo("a copy");
			assertThat(contents(copy)).containsExactly("original");
		}
		try (IpcMessage<String> reply = method("reply").sendAndReceive("shop", "", String.class)) {
			assertThat(reply.payload()).isEqualTo("two");
			assertThat(contents(reply)).containsExactly("1", "2");
		}
		try (IpcMessage<Object> reply = method("descriptor").sendAndReceive("shop", "", Object.class)) {
			assertThat(contents(reply)).containsExactly("one");
		}
		try (IpcMessage<Object> reply = method("descriptors").sendAndReceive("shop", "", Object.class)) {
			assertThat(contents(reply)).containsExactly("1", "2", "3");
		}
	}

	private static List<String> contents(IpcMessage<?> message) {
		return message.descriptors().stream().map((descriptor) -> {
			try {
				return new String(descriptor.inputStream().readAllBytes());
			}
			catch (IOException ex) {
				throw new IllegalStateException(ex);
			}
		}).toList();
	}

	@Test
	void streamsAreStreamed() {
		try (Stream<Integer> numbers = method("upTo").convertSendAndStream("shop", 1_000_000, Integer.class)) {
			assertThat(numbers.limit(1_000)).hasSize(1_000).isSorted();
		}
		try (Stream<IpcMessage<Integer>> pages = method("pages").sendAndStream("shop", "", Integer.class)) {
			assertThat(pages.flatMap((page) -> {
				try (page) {
					return contents(page).stream();
				}
			})).containsExactly("page 1", "page 2");
		}
	}

	@Test
	void voidAnswersNull() throws IOException {
		assertThat(
				context.getBean(IpcDestination.class).<Boolean>exchange(Duration.ofSeconds(30), false, (exchange) -> {
					exchange.method("nothing").request("text");
					try (IpcMessage<Object> reply = exchange.reply(Object.class)) {
						return reply.payload() == null;
					}
				}))
			.isTrue();
	}

	@Test
	void futuresAreAwaitedAndCancelledWithTheirRequests() {
		assertThat(call("later", "on")).isEqualTo("on");
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("later", "fail"))
			.satisfies((failure) -> assertThat(failure.remoteType())
				.isEqualTo(UnsupportedOperationException.class.getName()));
		int before = method("cancelled").convertSendAndReceive("shop", "", Integer.class);
		assertThatExceptionOfType(IpcTimeoutException.class)
			.isThrownBy(() -> method("never").convertSendAndReceive("shop", "", String.class, Duration.ofMillis(200)));
		Awaitility.await()
			.untilAsserted(
					() -> assertThat(method("cancelled").<Integer>convertSendAndReceive("shop", "", Integer.class))
						.isEqualTo(before + 1));
	}

	@Test
	void exceptionHandlersAnswerOrTranslate() {
		assertThat(call("fail", "handled")).isEqualTo("handled here for handled");
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("fail", "translated"))
			.withMessageContaining("translated from a cause")
			.satisfies((failure) -> assertThat(failure.remoteType()).isEqualTo(SecurityException.class.getName()));
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> call("fail", "nobody handles it"))
			.withMessageContaining("nobody handles it")
			.satisfies((failure) -> assertThat(failure.remoteType()).isEqualTo(IllegalStateException.class.getName()));
	}

	@Test
	void beanServesTheInterfaceThatItImplements() {
		Stock stock = context.getBean(Stock.class);
		assertThat(stock.count("tea", "shelf")).isEqualTo(8);
		try (Stream<String> items = stock.items(3)) {
			assertThat(items).containsExactly("a", "aa", "aaa");
		}
		assertThat(stock.fail("on purpose")).isEqualTo("handled on purpose");
		assertThatExceptionOfType(IpcRemoteException.class).isThrownBy(() -> stock.fail("wrong type"))
			.withMessageContaining("Warehouse.arithmetic(ArithmeticException)")
			.withMessageContaining("String");
	}

	@Test
	void asManyRequestsAreServedAtATimeAsOneListenerSays() {
		assertThat(Stream.of("a", "b", "c", "d")
			.parallel()
			.map((name) -> CompletableFuture.supplyAsync(() -> call("meet", name), (task) -> new Thread(task).start()))
			.toList()).allSatisfy((meeting) -> assertThat(meeting.get()).isNotNull());
	}

}
