package dev.tinyipc.benchmark;

import java.time.Duration;

/**
 * A work that is measured, and how.
 *
 * @param name such as {@code roundtrip}
 * @param parameter such as {@code 64}; empty if it has none
 * @param reference what the reference does in its turn, which is the same work if that
 * exists in C, or what comes nearest; empty if there is nothing that does
 * @param beside what is done in the same rounds by those contenders that are only there
 * to be compared with; empty if nothing is
 * @param layout where parent and child run
 * @param warmUp how long a contender warms up at most, altogether; zero for not at all
 * @param turn how long one turn is
 * @param rounds how many turns each contender has
 * @param mostRounds how many turns those have at most that a target is about
 */
record Work(String name, String parameter, String reference, String beside, Layout layout, Duration warmUp,
		Duration turn, int rounds, int mostRounds) {

	/** How many times as many rounds there may be before a target is decided. */
	private static final int PATIENCE = 5;

	static Work of(String line) {
		String[] words = line.split(" ", 2);
		return new Work(words[0], (words.length > 1) ? words[1] : "", line, "", Layout.DIFFERENT_CORES,
				Duration.ofMillis(1500), Duration.ofMillis(150), 7, 7 * PATIENCE);
	}

	Work warmUp(long millis) {
		return new Work(this.name, this.parameter, this.reference, this.beside, this.layout, Duration.ofMillis(millis),
				this.turn, this.rounds, this.mostRounds);
	}

	Work turn(long millis) {
		return new Work(this.name, this.parameter, this.reference, this.beside, this.layout, this.warmUp,
				Duration.ofMillis(millis), this.rounds, this.mostRounds);
	}

	Work rounds(int rounds) {
		return rounds(rounds, rounds * PATIENCE);
	}

	Work rounds(int rounds, int mostRounds) {
		return new Work(this.name, this.parameter, this.reference, this.beside, this.layout, this.warmUp, this.turn,
				rounds, mostRounds);
	}

	Work reference(String line) {
		return new Work(this.name, this.parameter, line, this.beside, this.layout, this.warmUp, this.turn, this.rounds,
				this.mostRounds);
	}

	Work beside(String line) {
		return new Work(this.name, this.parameter, this.reference, line, this.layout, this.warmUp, this.turn,
				this.rounds, this.mostRounds);
	}

	Work layout(Layout layout) {
		return new Work(this.name, this.parameter, this.reference, this.beside, layout, this.warmUp, this.turn,
				this.rounds, this.mostRounds);
	}

	/** A look only, but not before all are warm. */
	Work quick() {
		int fewer = Math.min(7, this.rounds);
		return turn(Math.min(100, this.turn.toMillis())).rounds(fewer, 2 * fewer);
	}

	/** No look even: it is all cold. */
	Work smoke() {
		return turn(100).rounds(1, 1).warmUp(0);
	}

	/** As a contender is told it. */
	String line() {
		return this.parameter.isEmpty() ? this.name : this.name + ' ' + this.parameter;
	}

	/** The name of the table that it stands in. */
	String table() {
		return this.name + this.layout.suffix();
	}

	/** What it is found by: the same line may be measured in two layouts. */
	String key() {
		return line() + this.layout.suffix();
	}

	String lineFor(Contenders.Entry contender) {
		if (contender.isBeside()) {
			return this.beside;
		}
		return contender.name().equals(Contenders.REFERENCE) ? this.reference : line();
	}

}
