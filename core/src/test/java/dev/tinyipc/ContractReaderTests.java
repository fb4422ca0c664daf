package dev.tinyipc;

import java.io.FileInputStream;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import java.util.stream.Stream;

import javax.tools.ToolProvider;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;
import static org.junit.jupiter.params.provider.Arguments.arguments;

/** What a contract cannot say is refused when it is read, not when it is called. */
class ContractReaderTests {

	interface Overloaded {

		void a(String text);

		void a(int number);

	}

	interface SameName {

		void one();

		@IpcExchange("one")
		void other();

	}

	interface TwoTimeouts {

		void a(Duration timeout, Duration other);

	}

	interface TwoLists {

		void a(List<OwnedFd> some, List<OwnedFd> more);

	}

	interface OptionalFile {

		void a(Optional<OwnedFd> file);

	}

	interface FilesAsArray {

		void a(OwnedFd... files);

	}

	interface JavaStream {

		void a(FileInputStream input);

	}

	interface ManyPaths {

		void a(List<Path> paths);

	}

	interface Callback {

		void a(Consumer<String> callback);

	}

	interface WithContext {

		void a(IpcContext context);

	}

	interface StreamIn {

		void a(Stream<String> texts);

	}

	interface FutureOfAStream {

		CompletableFuture<Stream<String>> a();

	}

	interface FutureOfAFuture {

		CompletableFuture<CompletableFuture<String>> a();

	}

	@SuppressWarnings("rawtypes")
	interface RawFuture {

		CompletableFuture a();

	}

	interface OtherFuture {

		Future<String> a();

	}

	interface FutureIn {

		void a(CompletableFuture<String> text);

	}

	interface PathOut {

		Path a();

	}

	interface RawStream {

		@SuppressWarnings("rawtypes")
		Stream a();

	}

	interface StreamOfFiles {

		Stream<OwnedFd> a();

	}

	interface TypeParameters {

		<T> T a(T value);

	}

	interface AnnotatedBody {

		void b();

		@IpcExchange
		default void a() {
		}

	}

	interface Nothing {

		default void a() {
		}

	}

	static Stream<Arguments> refused() {
		return Stream.of(arguments(Overloaded.class, "the same name on the wire, 'a', as Overloaded.a("),
				arguments(SameName.class, "the same name on the wire, 'one'"),
				arguments(TwoTimeouts.class, "Duration, Duration) parameter 'other': there can be only one Duration"),
				arguments(TwoLists.class, "parameter 'more': there can be only one List<OwnedFd>"),
				arguments(OptionalFile.class, "parameter 'file': a dev.tinyipc.OwnedFd cannot be sent as part of"),
				arguments(FilesAsArray.class, "parameter 'files': a dev.tinyipc.OwnedFd cannot be sent"),
				arguments(JavaStream.class, "parameter 'input': a java.io.FileInputStream cannot be sent"),
				arguments(ManyPaths.class, "parameter 'paths': a java.nio.file.Path cannot be sent"),
				arguments(Callback.class, "parameter 'callback': a java.util.function.Consumer cannot be sent"),
				arguments(WithContext.class, "parameter 'context': a dev.tinyipc.IpcContext cannot be sent"),
				arguments(StreamIn.class, "parameter 'texts': a java.util.stream.Stream cannot be sent"),
				arguments(FutureOfAStream.class, "its result: a Stream within a CompletableFuture"),
				arguments(FutureOfAFuture.class, "its result: a java.util.concurrent.CompletableFuture cannot be sent"),
				arguments(RawFuture.class,
						"its result: java.util.concurrent.CompletableFuture does not say of what type"),
				arguments(OtherFuture.class, "its result: a java.util.concurrent.Future cannot be sent"),
				arguments(FutureIn.class, "parameter 'text': a java.util.concurrent.CompletableFuture cannot be sent"),
				arguments(PathOut.class, "its result: a java.nio.file.Path cannot be sent"),
				arguments(RawStream.class, "its result: java.util.stream.Stream does not say of what type"),
				arguments(StreamOfFiles.class, "its result: a dev.tinyipc.OwnedFd cannot be sent"),
				arguments(TypeParameters.class, "TypeParameters.a(Object) has type parameters"),
				arguments(AnnotatedBody.class, "AnnotatedBody.a() has a body"),
				arguments(Nothing.class, "has no abstract methods"), arguments(String.class, "must be an interface"));
	}

	@ParameterizedTest
	@MethodSource("refused")
	void whatCannotBeMappedIsNamed(Class<?> contract, String why) {
		assertThatIllegalArgumentException().isThrownBy(() -> IpcContract.of(contract))
			.withMessageContaining(contract.getName())
			.withMessageContaining(why);
	}

	interface Base {

		Object a();

		@IpcExchange("second")
		void b();

	}

	interface Other {

		Object a();

	}

	@IpcExchange("x.")
	interface Derived extends Base, Other {

		@Override
		Integer a();

		@Override
		String toString();

	}

	@Test
	void methodThatIsInheritedTwiceIsOneAndItsPrefixIsThatOfTheContract() {
		assertThat(IpcContract.of(Derived.class).methods()).containsExactly("x.a", "x.second");
		assertThat(IpcContract.of(Base.class).methods()).containsExactly("a", "second");
	}

	@Test
	void parametersWithoutNamesAreRefusedOnlyWhereNamesAreSent(@TempDir Path folder) throws Exception {
		Path source = Files.writeString(folder.resolve("Nameless.java"),
				"public interface Nameless { int one(int number); interface Two { int two(int number, String text); } }");
		int result = ToolProvider.getSystemJavaCompiler()
			.run(null, null, null, "-d", folder.toString(), source.toString());
		assertThat(result).isZero();
		try (URLClassLoader classes = new URLClassLoader(new URL[] { folder.toUri().toURL() })) {
			assertThat(IpcContract.of(classes.loadClass("Nameless")).methods()).containsExactly("one");
			Class<?> two = classes.loadClass("Nameless$Two");
			assertThatIllegalArgumentException().isThrownBy(() -> IpcContract.of(two))
				.withMessageContaining("Two.two(int, String) parameter 1 has no name")
				.withMessageContaining("-parameters");
		}
	}

	interface Library<B> {

		Optional<List<B>> find(List<StringBuilder> words, Duration timeout, OwnedFd file);

		Stream<IpcMessage<B>> all(B[] like, int[][] sizes);

		void close();

	}

	interface NumberLibrary extends Library<Integer> {

	}

	@Test
	void theTypesOfItsDataAreThoseOfPayloadsAndRepliesWithTheirParts() {
		assertThat(IpcContract.of(NumberLibrary.class).dataTypes()).containsExactlyInAnyOrder(List.class, Integer.class,
				StringBuilder.class, int.class, Object.class);
	}

	@Test
	void twoContractsWithOneMethodCannotBeServedTogether() {
		Base base = IpcContract.of(Base.class).client(null);
		IpcServerBuilder builder = IpcServer.builder().service(Base.class, base);
		Other other = IpcContract.of(Other.class).client(null);
		assertThatIllegalStateException().isThrownBy(() -> builder.service(Other.class, other))
			.withMessageContaining("two handlers for the method 'a'");
	}

}
