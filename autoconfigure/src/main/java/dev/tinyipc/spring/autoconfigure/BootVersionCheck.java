package dev.tinyipc.spring.autoconfigure;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.SpringBootVersion;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Refuses to run with a Spring Boot before 4.1, before a class that does not exist there
 * is looked for.
 */
class BootVersionCheck implements ApplicationContextInitializer<ConfigurableApplicationContext> {

	private static final int[] OLDEST = { 4, 1 };

	@Override
	public void initialize(ConfigurableApplicationContext context) {
		check(SpringBootVersion.getVersion());
	}

	/**
	 * A version that cannot be read is let pass: a newer one may be written otherwise.
	 */
	static void check(@Nullable String version) {
		if (version == null || !version.matches("\\d+\\.\\d+\\b.*")) {
			return;
		}
		int[] found = Arrays.stream(version.split("\\D", 3)).limit(2).mapToInt(Integer::parseInt).toArray();
		if (Arrays.compare(found, OLDEST) < 0) {
			throw new IllegalStateException("tiny-ipc needs Spring Boot 4.1 or newer, and this application runs with "
					+ version + ": upgrade Spring Boot, or use tiny-ipc-core alone");
		}
	}

}
