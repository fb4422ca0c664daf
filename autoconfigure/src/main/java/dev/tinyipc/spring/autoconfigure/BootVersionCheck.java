package dev.tinyipc.spring.autoconfigure;

import java.util.Arrays;

import org.jspecify.annotations.Nullable;

import org.springframework.boot.SpringBootVersion;
import org.springframework.context.ApplicationContextInitializer;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Refuses to run with a version of Spring Boot before 4.1, before the application fails
 * on a class that does not exist there.
 */
class BootVersionCheck implements ApplicationContextInitializer<ConfigurableApplicationContext> {

	private static final int[] OLDEST = { 4, 1 };

	@Override
	public void initialize(ConfigurableApplicationContext context) {
		check(SpringBootVersion.getVersion());
	}

	/**
	 * Accepts a version that it cannot parse: a later one may have another format.
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
