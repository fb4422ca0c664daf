package dev.tinyipc.interop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

import static org.assertj.core.api.Assertions.assertThat;

/** The other direction: programs in other languages start children of ours. */
class ForeignParentTests {

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	static Stream<Arguments> pairs() {
		return Stream.of(Language.PYTHON, Language.RUST_TINY_NIX_IPC)
			.flatMap((parent) -> Stream.of("java", "spring").map((child) -> Arguments.of(parent, child)));
	}

	@ParameterizedTest(name = "{0} as the parent of {1}")
	@MethodSource("pairs")
	@Timeout(value = 600, unit = TimeUnit.SECONDS)
	void parentInAnotherLanguageStartsAChildOfOursAndAsksItForEverything(Language parent, String child)
			throws Exception {
		parent.require();
		Language.JAVA.require();
		List<String> command = new ArrayList<>((parent == Language.PYTHON) ? Language.python("parent.py")
				: List.of(parent.built("target/release/parent")));
		command.addAll(child.equals("java") ? Language.JAVA.command() : springChild());
		String output = Programs.run(Path.of("."), command);
		assertThat(output.lines()).contains("ok echo", "ok sum", "ok length", "ok memory", "ok fail", "ok close");
		System.out.println("interop " + parent + " as the parent of " + child + " ok");
	}

	private static List<String> springChild() {
		return List.of(Programs.java("java"), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1",
				"-XX:+UseSerialGC", "-Xmx256m", "-cp", Programs.classPath(), SpringChild.class.getName());
	}

}
