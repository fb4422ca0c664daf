package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.Shapes.Circle;
import dev.tinyipc.Shapes.Shape;
import dev.tinyipc.Shapes.Square;
import org.jspecify.annotations.Nullable;

/** A contract with everything in it. */
@IpcExchange("library.")
interface Library extends Shapes.Store<Shapes.Shape> {

	String nothingIn();

	void nothingOut(String text);

	int length(@Nullable String text);

	@IpcExchange("sum")
	long add(int one, long other);

	Map<String, List<Shape>> named(String name, List<Shape> shapes, @Nullable Shape more);

	Optional<Shape> find(String kind);

	String contentOf(Path file);

	String contents(OwnedFd first, String separator, List<OwnedFd> more, InputStream last);

	OwnedFd file(String content);

	List<OwnedFd> files(List<String> contents);

	IpcMessage<Shape> withFile(Shape shape, String content);

	Stream<List<Shape>> sizes(int count, OwnedFd content);

	Stream<IpcMessage<String>> pages(List<String> contents);

	Stream<Integer> endless(Duration timeout);

	Duration timeLeft(Duration timeout);

	void fail(String why) throws IOException;

	default String twice(String text) {
		return contentLabel() + text + text;
	}

	default String contentLabel() {
		return nothingIn() + ": ";
	}

	/** Its implementation. */
	final class Shelf implements Library {

		final List<String> said = new ArrayList<>();

		final List<String> closed = new ArrayList<>();

		@Override
		public Shape mirrored(Shape value) {
			return (value instanceof Circle circle) ? new Circle(-circle.radius()) : value;
		}

		@Override
		public List<Shape> reversed(List<Shape> values) {
			return List.of(values.get(1), values.get(0));
		}

		@Override
		public String nothingIn() {
			return "nothing in";
		}

		@Override
		public void nothingOut(String text) {
			this.said.add(text);
		}

		@Override
		public int length(@Nullable String text) {
			return (text != null) ? text.length() : -1;
		}

		@Override
		public long add(int one, long other) {
			return one + other;
		}

		@Override
		public Map<String, List<Shape>> named(String name, List<Shape> shapes, @Nullable Shape more) {
			return Map.of(name, (more != null) ? List.of(shapes.get(0), more) : shapes);
		}

		@Override
		public Optional<Shape> find(String kind) {
			return kind.equals("circle") ? Optional.of(new Circle(1)) : Optional.empty();
		}

		@Override
		public String contentOf(Path file) {
			try {
				return Files.readString(file);
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		@Override
		public String contents(OwnedFd first, String separator, List<OwnedFd> more, InputStream last) {
			try {
				List<String> contents = new ArrayList<>(List.of(Samples.content(first)));
				for (OwnedFd one : more) {
					contents.add(Samples.content(one));
				}
				contents.add(new String(last.readAllBytes(), StandardCharsets.UTF_8));
				return String.join(separator, contents);
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
		}

		@Override
		public OwnedFd file(String content) {
			return content.isEmpty() ? null : memory(content);
		}

		@Override
		public List<OwnedFd> files(List<String> contents) {
			return contents.stream().map(Shelf::memory).toList();
		}

		@Override
		public IpcMessage<Shape> withFile(Shape shape, String content) {
			return IpcMessage.of(shape, memory(content));
		}

		@Override
		public Stream<List<Shape>> sizes(int count, OwnedFd content) {
			return IntStream.range(0, count)
				.mapToObj((index) -> List.<Shape>of(new Circle(index), new Square(length(content(content)))));
		}

		@Override
		public Stream<IpcMessage<String>> pages(List<String> contents) {
			return contents.stream().map((content) -> IpcMessage.of("page", memory(content)));
		}

		@Override
		public Stream<Integer> endless(Duration timeout) {
			return Stream.iterate(0, (number) -> number + 1).onClose(() -> this.closed.add("closed"));
		}

		@Override
		public Duration timeLeft(Duration timeout) {
			return timeout;
		}

		@Override
		public void fail(String why) throws IOException {
			if (why.equals("none")) {
				throw new NoSuchElementException(why);
			}
			throw new IOException(why);
		}

		private static OwnedFd memory(String content) {
			try {
				return Samples.memoryFile(content);
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
		}

		private static String content(OwnedFd file) {
			try {
				return Samples.content(file);
			}
			catch (Exception ex) {
				throw new IllegalStateException(ex);
			}
		}

		/** Serves it as a child. */
		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder().service(Library.class, new Shelf()).serve();
		}

	}

}
