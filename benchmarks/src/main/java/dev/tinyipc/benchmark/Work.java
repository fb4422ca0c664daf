package dev.tinyipc.benchmark;

import java.time.Duration;

/**
 * A work that is measured, and how.
 *
 * @param name such as {@code roundtrip}
 * @param parameter such as {@code 64}; empty if it has none
 * @param reference what the reference does in its turn, which is the same work if that
 * exists in C, or what comes nearest
 * @param warmUp how long a contender warms up at most, altogether; zero for not at all
 * @param turn how long one turn is
 * @param rounds how many turns each contender has
 */
record Work(String name, String parameter, String reference, Duration warmUp, Duration turn, int rounds) {

	static Work of(String line) {
		String[] words = line.split(" ", 2);
		return new Work(words[0], (words.length > 1) ? words[1] : "", line, Duration.ofMillis(1500),
				Duration.ofMillis(150), 7);
	}

	Work warmUp(long millis) {
		return new Work(this.name, this.parameter, this.reference, Duration.ofMillis(millis), this.turn, this.rounds);
	}

	Work turn(long millis) {
		return new Work(this.name, this.parameter, this.reference, this.warmUp, Duration.ofMillis(millis), this.rounds);
	}

	Work rounds(int rounds) {
		return new Work(this.name, this.parameter, this.reference, this.warmUp, this.turn, rounds);
	}

	Work reference(String line) {
		return new Work(this.name, this.parameter, line, this.warmUp, this.turn, this.rounds);
	}

	/** A look only, but not before all are warm. */
	Work quick() {
		return turn(Math.min(100, this.turn.toMillis())).rounds(Math.min(5, this.rounds));
	}

	/** No look even: it is all cold. */
	Work smoke() {
		return turn(100).rounds(1).warmUp(0);
	}

	/** As a contender is told it. */
	String line() {
		return this.parameter.isEmpty() ? this.name : this.name + ' ' + this.parameter;
	}

	String lineFor(String contender) {
		return contender.equals(Contenders.REFERENCE) ? this.reference : line();
	}

}
