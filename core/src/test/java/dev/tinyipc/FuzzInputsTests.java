package dev.tinyipc;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * What the fuzzer found, or was given to start with, once more and without the fuzzer.
 */
@Timeout(60)
class FuzzInputsTests {

	@BeforeAll
	static void makeFiles() throws Exception {
		ControlDataFuzzTest.makeFiles();
	}

	@AfterAll
	static void closeFiles() {
		ControlDataFuzzTest.closeFiles();
	}

	static List<Named<byte[]>> packets() throws Exception {
		return inputs(FrameFuzzTest.class);
	}

	@ParameterizedTest
	@MethodSource("packets")
	void framesAreFoundOrRefused(byte[] input) throws Exception {
		new FrameFuzzTest().framesAreFoundOrRefused(input);
	}

	static List<Named<byte[]>> controlData() throws Exception {
		return inputs(ControlDataFuzzTest.class);
	}

	@ParameterizedTest
	@MethodSource("controlData")
	void descriptorsArriveOrAreRefused(byte[] input) throws Exception {
		new ControlDataFuzzTest().descriptorsArriveOrAreRefused(input);
	}

	static List<Named<byte[]>> bodies() throws Exception {
		return inputs(CborFuzzTest.class);
	}

	@ParameterizedTest
	@MethodSource("bodies")
	void bodyIsReadOrRefused(byte[] input) throws Exception {
		new CborFuzzTest().bodyIsReadOrRefused(input);
	}

	static List<Named<byte[]>> rings() throws Exception {
		return inputs(MemoryFuzzTest.class);
	}

	@ParameterizedTest
	@MethodSource("rings")
	void messagesAreFoundOrTheLaneEnds(byte[] input) throws Exception {
		new MemoryFuzzTest().messagesAreFoundOrTheLaneEnds(input);
	}

	/** The folder in which Jazzer looks for them, too. */
	private static List<Named<byte[]>> inputs(Class<?> target) throws IOException, URISyntaxException {
		Path folder = Path.of(target.getResource(target.getSimpleName() + "Inputs").toURI());
		try (Stream<Path> files = Files.walk(folder)) {
			return files.filter(Files::isRegularFile).sorted().map(FuzzInputsTests::read).toList();
		}
	}

	private static Named<byte[]> read(Path file) {
		try {
			return Named.of(file.getFileName().toString(), Files.readAllBytes(file));
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

}
