package dev.tinyipc;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.CancellationException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.Function;
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
import static org.awaitility.Awaitility.await;

/** Methods of a contract that return a future, at both ends. */
@Timeout(60)
class ContractFutureTests {

	interface Store<T> {

		CompletableFuture<T> stored(T value);

		CompletableFuture<List<T>> all(List<T> values);

	}

	@IpcExchange("archive.")
	interface Archive extends Store<Shape> {

		CompletableFuture<Optional<Shape>> found(String kind);

		CompletableFuture<Void> nothing();

		CompletableFuture<String> content(Path file, Duration timeout);

		CompletableFuture<OwnedFd> file(String content);

		CompletableFuture<List<OwnedFd>> files(List<String> contents);

		CompletableFuture<IpcMessage<String>> message(String content);

		CompletableFuture<String> never();

		CompletableFuture<String> failed(String why);

		CompletableFuture<String> none();

		default CompletableFuture<String> twice(String text) {
			return message(text).thenApply((message) -> {
				try (message) {
					return message.payload() + message.payload();
				}
			});
		}

	}

	/** Answers later, from another thread. */
	static final class Keeper implements Archive {

		final Queue<CompletableFuture<String>> pending = new ConcurrentLinkedQueue<>();

		/** Serves it as a child. */
		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().service(Archive.class, new Keeper()).serve();
		}

		@Override
		public CompletableFuture<Shape> stored(Shape value) {
			return CompletableFuture.supplyAsync(() -> value);
		}

		@Override
		public CompletableFuture<List<Shape>> all(List<Shape> values) {
			return CompletableFuture.completedFuture(values);
		}

		@Override
		public CompletableFuture<Optional<Shape>> found(String kind) {
			return CompletableFuture
				.supplyAsync(() -> kind.equals("circle") ? Optional.of(new Circle(1)) : Optional.empty());
		}

		@Override
		public CompletableFuture<Void> nothing() {
			return CompletableFuture.runAsync(() -> {
			});
		}

		@Override
		public CompletableFuture<String> content(Path file, Duration timeout) {
			return CompletableFuture.supplyAsync(() -> {
				try {
					return Files.readString(file);
				}
				catch (Exception ex) {
					throw new IllegalStateException(ex);
				}
			});
		}

		@Override
		public CompletableFuture<OwnedFd> file(String content) {
			return CompletableFuture.supplyAsync(() -> memory(content));
		}

		@Override
		public CompletableFuture<List<OwnedFd>> files(List<String> contents) {
			return CompletableFuture.supplyAsync(() -> contents.stream().map(Keeper::memory).toList());
		}

		@Override
		public CompletableFuture<IpcMessage<String>> message(String content) {
			return CompletableFuture.supplyAsync(() -> IpcMessage.of(content, memory(content)));
		}

		@Override
		public CompletableFuture<String> never() {
			CompletableFuture<String> future = new CompletableFuture<>();
			this.pending.add(future);
			return future;
		}

		@Override
		public CompletableFuture<String> failed(String why) {
			return CompletableFuture.supplyAsync(() -> {
				throw new NoSuchElementException(why);
			});
		}

		@Override
		public CompletableFuture<String> none() {
			return null;
		}

		private static OwnedFd memory(String content) {
			try {
				return Samples.memoryFile(content);
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
		}

	}

	private final Keeper keeper = new Keeper();

	private Conversation conversation;

	private Archive archive;

	@BeforeEach
	void open() throws Exception {
		this.conversation = Conversation.with(IpcServer.builder().service(Archive.class, this.keeper));
		this.archive = IpcContract.of(Archive.class).client(new ContractCaller(this.conversation));
	}

	@AfterEach
	void close() throws Exception {
		this.conversation.close();
	}

	@Test
	void futuresBringWhateverMethodsReturn(@TempDir Path folder) throws Exception {
		assertAllWork(this.archive, folder);
	}

	@Test
	void childServesFutures(@TempDir Path folder) throws Exception {
		try (Conversation child = Conversation.with(new ChildJvm(Keeper.class))) {
			assertAllWork(IpcContract.of(Archive.class).client(new ContractCaller(child)), folder);
		}
	}

	private static void assertAllWork(Archive archive, Path folder) throws Exception {
		Path file = Files.writeString(folder.resolve("file"), "of a path");
		assertThat(archive.stored(new Circle(3)).get()).isEqualTo(new Circle(3));
		assertThat(archive.all(List.of(new Circle(1), new Square(2))).get()).containsExactly(new Circle(1),
				new Square(2));
		assertThat(archive.found("circle").get()).contains(new Circle(1));
		assertThat(archive.found("none").get()).isEmpty();
		assertThat(archive.nothing().get()).isNull();
		LeakWatch watch = new LeakWatch();
		assertThat(archive.content(file, Duration.ofSeconds(60)).get()).isEqualTo("of a path");
		try (OwnedFd one = archive.file("one").get()) {
			assertThat(Samples.content(one)).isEqualTo("one");
		}
		List<OwnedFd> files = archive.files(List.of("a", "b")).get();
		assertThat(Samples.content(files.get(1))).isEqualTo("b");
		OwnedFd.closeAll(files);
		try (IpcMessage<String> message = archive.message("m").get()) {
			assertThat(message.payload() + Samples.content(message.descriptors().get(0))).isEqualTo("mm");
		}
		watch.assertNoneLeft();
	}

	@Test
	void cancelReachesTheFutureOfTheImplementationAndTheSocketIsUsedAgain() throws Exception {
		CompletableFuture<String> never = this.archive.never();
		await().until(() -> this.keeper.pending.size() == 1);
		assertThat(never.cancel(true)).isTrue();
		await().until(() -> this.keeper.pending.element().isCancelled());
		assertThatExceptionOfType(CancellationException.class).isThrownBy(never::join);
		assertThat(this.archive.stored(new Circle(4)).get()).isEqualTo(new Circle(4));
	}

	@Test
	void callerThatGivesUpByATimeoutOfItsOwnCancelsToo() {
		CompletableFuture<String> never = this.archive.never();
		await().until(() -> this.keeper.pending.size() == 1);
		never.orTimeout(1, TimeUnit.MILLISECONDS);
		await().until(() -> this.keeper.pending.element().isCancelled());
		assertThatExceptionOfType(ExecutionException.class).isThrownBy(never::get)
			.withCauseInstanceOf(TimeoutException.class);
	}

	@Test
	void failuresAreThoseOfTheFuture(@TempDir Path folder) throws Exception {
		assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> this.archive.failed("why").get())
			.havingCause()
			.isInstanceOfSatisfying(IpcException.Remote.class, (remote) -> {
				assertThat(remote.type()).isEqualTo(NoSuchElementException.class.getName());
				assertThat(remote.remoteMessage()).isEqualTo("why");
			});
		assertThatExceptionOfType(ExecutionException.class).isThrownBy(() -> this.archive.none().get())
			.withMessageContaining("none() returned null");
		CompletableFuture<String> unopened = this.archive.content(folder.resolve("missing"), null);
		assertThatExceptionOfType(ExecutionException.class).isThrownBy(unopened::get).withMessageContaining("missing");
		assertThat(this.archive.stored(new Circle(5)).get()).isEqualTo(new Circle(5));
	}

	@Test
	void defaultMethodsComposeFutures() throws Exception {
		assertThat(this.archive.twice("x").get()).isEqualTo("xx");
	}

	@Test
	void replyThatComesAfterTheFutureWasCompletedIsClosed() throws Exception {
		for (ContractReply.Shape shape : List.of(ContractReply.Shape.MESSAGE, ContractReply.Shape.DESCRIPTOR,
				ContractReply.Shape.DESCRIPTORS, ContractReply.Shape.VALUE)) {
			ContractReply reply = new ContractReply(shape, Object.class, true, "a()", true);
			CompletableFuture<IpcMessage<Object>> late = new CompletableFuture<>() {

				@Override
				public boolean cancel(boolean mayInterruptIfRunning) {
					return false; // too late
				}

			};
			ContractFuture future = new ContractFuture(late, reply, Function.identity());
			future.cancel(true);
			LeakWatch watch = new LeakWatch();
			late.complete(IpcMessage.of("late", Samples.memoryFile("late")));
			watch.assertNoneLeft();
		}
	}

	@Test
	void handlersMayAnswerLaterToo() throws Exception {
		IpcServerBuilder server = IpcServer.builder()
			.handler("value", String.class, (request) -> CompletableFuture.supplyAsync(request::payload))
			.handler("stream", Integer.class, (request, context) -> CompletableFuture
				.supplyAsync(() -> Stream.iterate(0, (i) -> i + 1).limit(request.payload())));
		try (Conversation other = Conversation.with(server)) {
			assertThat(other.call("value", "later")).isEqualTo("later");
			assertThat(Conversation.rest(other.ask("stream", 3))).containsExactly(0, 1, 2);
		}
	}

}
