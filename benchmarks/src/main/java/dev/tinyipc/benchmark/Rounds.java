package dev.tinyipc.benchmark;

import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * Lets the contenders take their turns: A B C, A B C, … so that what else happens on the
 * machine happens to all.
 */
final class Rounds implements AutoCloseable {

	/** Long enough that a slow contender's progress is more than chance. */
	private static final Duration WARM_UP_TURN = Duration.ofMillis(300);

	private final List<Contenders.Entry> entries;

	private final Map<String, ContenderProcess> running = new LinkedHashMap<>();

	private final Map<String, String> missing = new LinkedHashMap<>();

	Rounds(List<Contenders.Entry> entries) {
		this.entries = entries;
	}

	/** Those that could not be started, and why. */
	Map<String, String> missing() {
		return this.missing;
	}

	/** Measures one work. Who cannot do it, or fails, is left out of it. */
	Map<String, Samples> measure(Work work) throws InterruptedException {
		Map<String, Samples> all = new LinkedHashMap<>();
		List<Turn> ready = new ArrayList<>();
		for (Contenders.Entry entry : this.entries) {
			if (entry.takesPartIn(work) && !this.missing.containsKey(entry.name())) {
				Samples samples = new Samples();
				all.put(entry.name(), samples);
				ContenderProcess contender = prepare(entry, work, samples);
				if (contender != null) {
					ready.add(new Turn(contender, samples, new WarmUp(work.warmUp())));
				}
			}
		}
		List<Turn> cold = new ArrayList<>(work.warmUp().isZero() ? List.of() : ready);
		while (!cold.isEmpty()) {
			eachOf(cold, (turn) -> turn.warmUp.add(turn.contender.run(WARM_UP_TURN)));
			cold.removeIf((turn) -> turn.warmUp.isOver() || turn.samples.missing() != null);
		}
		for (int round = 0; round < work.rounds(); round++) {
			eachOf(ready, (turn) -> turn.samples.add(turn.contender.run(work.turn())));
		}
		eachOf(ready, (turn) -> turn.contender.done());
		return all;
	}

	private void eachOf(List<Turn> turns, Action action) throws InterruptedException {
		for (Turn turn : turns) {
			try {
				if (turn.samples.missing() == null) {
					action.on(turn);
				}
			}
			catch (IOException ex) {
				failed(turn.contender, turn.samples, ex);
			}
		}
	}

	private @Nullable ContenderProcess prepare(Contenders.Entry entry, Work work, Samples samples)
			throws InterruptedException {
		ContenderProcess contender = this.running.get(entry.name());
		try {
			if (contender == null) {
				contender = ContenderProcess.start(entry);
				this.running.put(entry.name(), contender);
			}
		}
		catch (IOException ex) {
			this.missing.put(entry.name(), String.valueOf(ex.getMessage()));
			samples.missing("is not there");
			return null;
		}
		try {
			String reason = contender.prepare(work.lineFor(entry.name()));
			if (reason.isEmpty()) {
				return contender;
			}
			samples.missing(reason);
		}
		catch (IOException ex) {
			failed(contender, samples, ex);
		}
		return null;
	}

	/** It starts anew in the next work. */
	private void failed(ContenderProcess contender, Samples samples, IOException reason) throws InterruptedException {
		samples.missing("failed: " + reason.getMessage());
		System.err.println(contender.entry().name() + " failed: " + reason.getMessage());
		this.running.remove(contender.entry().name());
		try {
			contender.close();
		}
		catch (IOException ex) {
			reason.addSuppressed(ex);
		}
	}

	/** Ends those that take part in none of these works. */
	void keepOnly(List<Work> ahead) throws IOException, InterruptedException {
		for (ContenderProcess contender : List.copyOf(this.running.values())) {
			if (ahead.stream().noneMatch(contender.entry()::takesPartIn)) {
				this.running.remove(contender.entry().name());
				contender.close();
			}
		}
	}

	@Override
	public void close() throws IOException, InterruptedException {
		keepOnly(List.of());
	}

	private record Turn(ContenderProcess contender, Samples samples, WarmUp warmUp) {
	}

	@FunctionalInterface
	private interface Action {

		void on(Turn turn) throws IOException;

	}

}
