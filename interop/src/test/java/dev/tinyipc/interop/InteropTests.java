package dev.tinyipc.interop;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.opentest4j.TestAbortedException;

/** The other end in any language: each child is built, run, and asked for each thing. */
class InteropTests {

	private static final List<String> results = new ArrayList<>();

	static Stream<Arguments> pairs() {
		return Arrays.stream(Language.values())
			.flatMap((language) -> Arrays.stream(Capability.values())
				.map((capability) -> Arguments.of(language, capability)));
	}

	/** Without the time-out of a test: compilers are fetched and dependencies built. */
	@BeforeAll
	static void build() {
		for (Language language : Language.values()) {
			try {
				language.require();
			}
			catch (TestAbortedException ex) {
				// Maven counts what is skipped, and keeps the reason to itself.
				System.err.println(ex.getMessage());
			}
			catch (Exception | AssertionError ex) {
				// Its own tests fail.
			}
		}
	}

	@ParameterizedTest(name = "{0}: {1}")
	@MethodSource("pairs")
	@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
	void child(Language language, Capability capability) throws Exception {
		language.require();
		results.add("interop " + language + ' ' + capability + ' ' + capability.check(language));
	}

	@AfterAll
	static void printMatrix() {
		results.forEach(System.out::println);
	}

}
