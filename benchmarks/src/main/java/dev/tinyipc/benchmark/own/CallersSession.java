package dev.tinyipc.benchmark.own;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.IntFunction;

import dev.tinyipc.benchmark.Contender;

/** Several threads that make requests of a pool. */
final class CallersSession implements Contender.Session {

	private final TypedSession.Peer peer;

	private final int callers;

	private final IntFunction<?> payloads;

	private final ExecutorService threads;

	/** With what each caller sends and gets back. */
	CallersSession(TypedSession.Peer peer, int callers, IntFunction<?> payloads) {
		this.peer = peer;
		this.callers = callers;
		this.payloads = payloads;
		this.threads = Executors.newFixedThreadPool(callers);
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		CountDownLatch start = new CountDownLatch(1);
		List<Future<Contender.Result>> results = new ArrayList<>();
		for (int i = 0; i < this.callers; i++) {
			Object payload = this.payloads.apply(i);
			results.add(this.threads.submit(() -> {
				start.await();
				return Contender.repeat(duration, () -> this.peer.exchange(payload, payload.getClass()));
			}));
		}
		long before = System.nanoTime();
		start.countDown();
		long operations = 0;
		for (Future<Contender.Result> result : results) {
			operations += result.get().operations();
		}
		return new Contender.Result(operations, System.nanoTime() - before);
	}

	@Override
	public void close() throws Exception {
		this.threads.shutdown();
		this.peer.close();
	}

}
