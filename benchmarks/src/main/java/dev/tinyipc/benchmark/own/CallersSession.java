package dev.tinyipc.benchmark.own;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;

/** Several threads that make requests of a pool. */
final class CallersSession implements Contender.Session {

	private final TypedSession.Peer peer;

	private final int callers;

	private final ExecutorService threads;

	CallersSession(TypedSession.Peer peer, int callers) {
		this.peer = peer;
		this.callers = callers;
		this.threads = Executors.newFixedThreadPool(callers);
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		CountDownLatch start = new CountDownLatch(1);
		List<Future<Contender.Result>> results = new ArrayList<>();
		for (int i = 0; i < this.callers; i++) {
			Order order = Order.sample(i);
			results.add(this.threads.submit(() -> {
				start.await();
				return Contender.repeat(duration, () -> this.peer.exchange(order, Order.class));
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
