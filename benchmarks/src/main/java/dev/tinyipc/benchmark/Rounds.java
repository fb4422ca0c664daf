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

	/** For rounds beyond those that each contender has, altogether. */
	private static final Duration PATIENCE = Duration.ofSeconds(12);

	private static final int BUSY_PROGRAMS = 4;

	private final List<Contenders.Entry> entries;

	private final List<Target> targets;

	private final Processors processors;

	private final Map<String, ContenderProcess> running = new LinkedHashMap<>();

	private final Map<String, String> missing = new LinkedHashMap<>();

	Rounds(Suite suite, Processors processors) {
		this.entries = suite.contenders();
		this.targets = suite.targets();
		this.processors = processors;
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
		warmUp(work, ready);
		try (BusyPrograms busy = BusyPrograms.start((work.layout() == Layout.BUSY) ? BUSY_PROGRAMS : 0)) {
			for (int round = 0; round < work.rounds(); round++) {
				measure(work, ready);
			}
			decide(work, ready);
		}
		eachOf(ready, (turn) -> turn.contender.done());
		return all;
	}

	/**
	 * Nobody is pinned meanwhile: the compilers of a JVM would take the time from what
	 * they compile for. A last turn is pinned, but not measured either: caches, and what
	 * has learned from earlier waits, get used to the new place.
	 */
	private void warmUp(Work work, List<Turn> ready) throws InterruptedException {
		List<Turn> cold = new ArrayList<>(work.warmUp().isZero() ? List.of() : ready);
		while (!cold.isEmpty()) {
			eachOf(cold, (turn) -> turn.warmUp.add(turn.contender.run(WARM_UP_TURN)));
			cold.removeIf((turn) -> turn.warmUp.isOver() || turn.samples.missing() != null);
		}
		if (work.layout().isPinned()) {
			eachOf(ready, (turn) -> {
				turn.contender.pin(this.processors, work.layout());
				turn.contender.run(work.turn());
			});
		}
	}

	private void measure(Work work, List<Turn> turns) throws InterruptedException {
		eachOf(turns, (turn) -> turn.samples.add(turn.contender.run(work.turn())));
	}

	/**
	 * Adds rounds, for those that targets are about, until it is known well enough what
	 * each target's ratio is, or there is no hope.
	 */
	private void decide(Work work, List<Turn> ready) throws InterruptedException {
		Map<String, Samples> present = new LinkedHashMap<>();
		ready.stream()
			.filter((turn) -> turn.samples.missing() == null)
			.forEach((turn) -> present.put(turn.contender.entry().name(), turn.samples));
		List<Target> targets = this.targets.stream()
			.filter((target) -> target.work().equals(work.key()) && present.containsKey(target.contender())
					&& present.containsKey(target.other()))
			.toList();
		List<Turn> concerned = ready.stream()
			.filter((turn) -> targets.stream().anyMatch((target) -> target.isAbout(turn.contender.entry().name())))
			.toList();
		long end = System.nanoTime() + PATIENCE.toNanos();
		for (int round = work.rounds(); round < work.mostRounds() && System.nanoTime() < end; round++) {
			if (concerned.stream().anyMatch((turn) -> turn.samples.missing() != null) || targets.stream()
				.allMatch((target) -> target.measured(present.get(target.contender()), present.get(target.other()))
					.narrow())) {
				return;
			}
			measure(work, concerned);
		}
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
			contender.release(this.processors);
			String reason = contender.prepare(work.lineFor(entry));
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
