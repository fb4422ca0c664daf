package dev.tinyipc.benchmark.own;

import java.time.Duration;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;

/** From the start of a worker, by the starter, to its first answer. */
final class WorkerSpawnSession implements Contender.Session {

	private final TemplateContender.Template template;

	WorkerSpawnSession(TemplateContender.Template template) {
		this.template = template;
		// The first one leaves the archive of its classes.
		template.exchange(Order.sample(0), Order.class);
		stop();
	}

	private void stop() {
		this.template.child().stopInstances().join();
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		Order order = Order.sample(0);
		long operations = 0;
		long timed = 0;
		long end = System.nanoTime() + duration.toNanos();
		do {
			long start = System.nanoTime();
			this.template.child().startInstances();
			this.template.exchange(order, Order.class);
			timed += System.nanoTime() - start;
			operations++;
			stop();
		}
		while (System.nanoTime() < end);
		return new Contender.Result(operations, timed);
	}

	@Override
	public void close() {
		this.template.close();
	}

}
