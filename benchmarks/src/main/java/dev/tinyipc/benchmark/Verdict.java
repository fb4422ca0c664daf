package dev.tinyipc.benchmark;

/** Whether a target is met. */
enum Verdict {

	/** It is. */
	MET("yes"),

	/** It is not. */
	MISSED("**no**"),

	/** The limit, or more than that, lies within what the rounds leave open. */
	UNDECIDED("not decidable on this machine"),

	/** Somebody did not take part. */
	UNMEASURED("not measured");

	/** Two runs in a row may differ by so much, and must not disagree about a target. */
	private static final double BETWEEN_RUNS = 1.15;

	private final String text;

	Verdict(String text) {
		this.text = text;
	}

	/**
	 * A wide interval is good enough far from the limit: where the limit is not reached
	 * even by what another run may find.
	 */
	static Verdict of(Interval measured, double limit) {
		if (!measured.sure()) {
			return UNDECIDED;
		}
		double margin = measured.narrow() ? 1 : BETWEEN_RUNS;
		if (measured.high() * margin <= limit) {
			return MET;
		}
		return (measured.low() / margin > limit) ? MISSED : UNDECIDED;
	}

	@Override
	public String toString() {
		return this.text;
	}

}
