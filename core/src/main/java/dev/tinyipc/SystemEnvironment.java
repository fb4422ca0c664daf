package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Encodes the variables of an environment. Java shows replacement characters for what the
 * locale cannot express: a variable of this process's own is then passed on with its
 * original bytes.
 */
final class SystemEnvironment {

	private static final Logger logger = LoggerFactory.getLogger(SystemEnvironment.class);

	private static final char REPLACEMENT = '\uFFFD';

	private SystemEnvironment() {
	}

	/** {@code NAME=value} of each variable. */
	static List<byte[]> encode(Map<String, String> variables) {
		List<byte[]> encoded = new ArrayList<>();
		Map<String, byte[]> originals = Map.of();
		for (Map.Entry<String, String> variable : variables.entrySet()) {
			String name = variable.getKey();
			String value = variable.getValue();
			boolean garbled = value.indexOf(REPLACEMENT) >= 0 && value.equals(System.getenv(name));
			if (garbled && originals.isEmpty()) {
				originals = originals();
			}
			byte[] original = garbled ? originals.get(name) : null;
			encoded
				.add((original != null) ? original : NativeBuffer.encode("Environment variable", name + '=' + value));
		}
		return encoded;
	}

	/**
	 * The variables that this process was started with, as bytes, by name in ASCII
	 * ({@code proc_pid_environ(5)}).
	 */
	private static Map<String, byte[]> originals() {
		Map<String, byte[]> originals = new HashMap<>();
		try {
			byte[] block = Files.readAllBytes(Path.of("/proc/self/environ"));
			int start = 0;
			for (int end = 0; end < block.length; end++) {
				if (block[end] == 0) {
					byte[] variable = Arrays.copyOfRange(block, start, end);
					String name = new String(variable, StandardCharsets.US_ASCII).split("=", 2)[0];
					originals.putIfAbsent(name, variable);
					start = end + 1;
				}
			}
		}
		catch (IOException ex) {
			logger.debug("Variables that the locale cannot express are passed on as Java shows them", ex);
		}
		return originals;
	}

}
