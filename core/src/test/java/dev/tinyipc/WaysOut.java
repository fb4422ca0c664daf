package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.Collectors;

import dev.tinyipc.Sandbox.Profile;

/** What must come of each attempt, which {@code ways-out.txt} says. */
final class WaysOut {

	static final Path FOLDER = Path.of("src/test/probe");

	private final List<Way> ways = new ArrayList<>();

	private final Map<String, Way> byName;

	WaysOut() throws IOException {
		String group = "";
		for (String line : Files.readAllLines(FOLDER.resolve("ways-out.txt"))) {
			if (line.startsWith("== ")) {
				group = line.substring(3);
			}
			else if (!line.isEmpty() && !line.startsWith("#")) {
				String[] parts = line.split(" \\| ");
				String[] expected = parts[2].split(" ");
				this.ways.add(new Way(group, parts[0], parts[1], Without.valueOf(expected[0].toUpperCase(Locale.ROOT)),
						With.valueOf(expected[1].toUpperCase(Locale.ROOT)),
						With.valueOf(expected[2].toUpperCase(Locale.ROOT))));
			}
		}
		this.byName = this.ways.stream().collect(Collectors.toMap(Way::name, Function.identity()));
	}

	List<Way> all() {
		return this.ways;
	}

	Way named(String name) {
		Way way = this.byName.get(name);
		if (way == null) {
			throw new IllegalArgumentException(
					"ways-out.txt does not say what must come of " + name + ", which a probe tries");
		}
		return way;
	}

	/** For whom it works without a profile, as {@code ways-out.txt} explains. */
	enum Without {

		WORKS, ROOT, OTHERS, DEPENDS, NEVER;

		boolean mustWork(String user) {
			return this == WORKS || this == (user.equals("root") ? ROOT : OTHERS);
		}

	}

	/** What comes of it with a profile. */
	enum With {

		WORKS, REFUSED, DEPENDS

	}

	/**
	 * A row.
	 *
	 * @param withoutNetwork what comes of it without network, if it works without a
	 * profile
	 * @param lockedDown the same for a child that is locked down
	 */
	record Way(String group, String name, String description, Without without, With withoutNetwork, With lockedDown) {

		With with(Profile profile) {
			return (profile == Profile.LOCKED_DOWN) ? this.lockedDown : this.withoutNetwork;
		}

	}

}
