package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;

import dev.tinyipc.ResourceLimits;
import dev.tinyipc.Sandbox;
import dev.tinyipc.Sandbox.EnvironmentPolicy;
import dev.tinyipc.Sandbox.Profile;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.MapConfigurationPropertySource;

import static org.assertj.core.api.Assertions.assertThat;

/** What becomes of the settings of a child's sandbox. */
class ChildSandboxTests {

	@Test
	void aChildWithoutSettingsMayDoEverything() {
		Sandbox sandbox = sandbox(Profile.NONE, Map.of());
		assertThat(sandbox.profile()).isEqualTo(Profile.NONE);
		assertThat(sandbox.limits()).isEqualTo(ResourceLimits.NONE);
		assertThat(sandbox.environmentPolicy()).isEqualTo(EnvironmentPolicy.INHERIT);
	}

	@ParameterizedTest
	@CsvSource(delimiter = '|', textBlock = """
			NONE        |         | INHERIT
			NONE        | clean   | CLEAN
			NO_NETWORK  |         | CLEAN
			LOCKED_DOWN |         | CLEAN
			LOCKED_DOWN | inherit | INHERIT
			""")
	void theEnvironmentIsCleanWithAProfileUnlessThePolicySaysOtherwise(Profile profile, String policy,
			EnvironmentPolicy expected) {
		Map<String, String> settings = (policy != null) ? Map.of("environment-policy", policy) : Map.of();
		assertThat(sandbox(profile, settings).environmentPolicy()).isEqualTo(expected);
	}

	@Test
	void pathsStartAtTheChildsDirectory() {
		Sandbox sandbox = sandbox(Profile.LOCKED_DOWN, Map.of("directory", "/srv/worker", "sandbox.read",
				"models,/opt/fonts", "sandbox.write", "../spool", "sandbox.execute", "bin/convert"));
		assertThat(sandbox.readable()).containsExactlyInAnyOrder(Path.of("/srv/worker/models"), Path.of("/opt/fonts"));
		assertThat(sandbox.writable()).containsExactly(Path.of("/srv/spool"));
		assertThat(sandbox.executable()).containsExactly(Path.of("/srv/worker/bin/convert"));
		assertThat(sandbox(Profile.LOCKED_DOWN, Map.of("sandbox.read", "models")).readable())
			.containsExactly(Path.of("models").toAbsolutePath());
	}

	@Test
	void aProfileIsRequiredUnlessSaidOtherwise() {
		assertThat(sandbox(Profile.LOCKED_DOWN, Map.of()).isRequired()).isTrue();
		assertThat(sandbox(Profile.LOCKED_DOWN, Map.of("sandbox.required", "false")).isRequired()).isFalse();
	}

	@Test
	void limitsAreInBytesAndNumbers() {
		assertThat(sandbox(Profile.NONE,
				Map.of("limits.memory", "512MB", "limits.cpu-time", "90s", "limits.open-files", "64",
						"limits.processes", "8", "limits.file-size", "0", "nice", "5"))
			.limits()).isEqualTo(new ResourceLimits(512L << 20, Duration.ofSeconds(90), 64L, 8L, 0L, 5));
	}

	private static Sandbox sandbox(Profile profile, Map<String, String> settings) {
		ChildSettings bound = new Binder(new MapConfigurationPropertySource(settings)).bindOrCreate("",
				Bindable.of(ChildSettings.class));
		return ChildSandbox.of(new ChildSpec("worker", List.of("true"), null, List.of(), 1, 1, false, false, false,
				ChildSettings.Transport.SOCKET, profile, Map.of(), null, bound));
	}

}
