package dev.tinyipc;

import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

import dev.tinyipc.Sandbox.Profile;
import org.jspecify.annotations.Nullable;

/** What came of each attempt, as {@link ProbeRun} printed it. */
final class Attempts {

	private static final String ALLOWED = "allowed";

	private static final String REFUSED = "refused ";

	private final Map<Probe, Map<String, String>> outcomes = new LinkedHashMap<>();

	/** Adds what was printed as one user; other lines are what the probes had to say. */
	void add(String user, String printed) {
		printed.lines().map((line) -> line.split("\t")).filter((parts) -> parts.length == 4).forEach((parts) -> {
			Probe probe = new Probe(user, parts[1], Profile.valueOf(parts[0]));
			this.outcomes.computeIfAbsent(probe, (any) -> new LinkedHashMap<>()).put(parts[2], parts[3]);
		});
	}

	/** The attempts that a probe made. */
	Set<String> of(Probe probe) {
		Set<String> names = new LinkedHashSet<>(this.outcomes.getOrDefault(probe, Map.of()).keySet());
		names.remove(ProbeRun.END);
		return names;
	}

	/** The exit code of a probe that has made all attempts, or null. */
	@Nullable String end(Probe probe) {
		return this.outcomes.getOrDefault(probe, Map.of()).get(ProbeRun.END);
	}

	boolean worked(Probe probe, String name) {
		return ALLOWED.equals(this.outcomes.getOrDefault(probe, Map.of()).get(name));
	}

	/** Why an attempt was refused: the name of an error, mostly. */
	String reason(Probe probe, String name) {
		String outcome = this.outcomes.get(probe).get(name);
		return outcome.startsWith(REFUSED) ? outcome.substring(REFUSED.length()) : outcome;
	}

	/** A child: as which user, in which language, with which profile. */
	record Probe(String user, String language, Profile profile) {

		Probe with(Profile other) {
			return new Probe(this.user, this.language, other);
		}

		Probe as(String other) {
			return new Probe(other, this.language, this.profile);
		}

		@Override
		public String toString() {
			return this.language + " as " + this.user + " with " + this.profile;
		}

	}

}
