package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.time.Duration;
import java.util.List;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;

/** A small request for many orders, which come in one reply or one by one. */
final class FetchSession implements Contender.Session {

	private static final int COUNT = 1000;

	private final AutoCloseable peer;

	private final Fetch fetch;

	private FetchSession(AutoCloseable peer, Fetch fetch) {
		this.peer = peer;
		this.fetch = fetch;
	}

	static FetchSession prepare(AutoCloseable peer, Fetch fetch) throws Exception {
		List<Order> expected = Order.samples();
		List<Order> orders = fetch.orders(COUNT);
		if (!orders.equals(expected)) {
			throw new IOException("something else came: " + orders);
		}
		return new FetchSession(peer, fetch);
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		return Contender.repeat(duration, () -> this.fetch.orders(COUNT));
	}

	@Override
	public void close() throws Exception {
		this.peer.close();
	}

	/** The way to get them. */
	@FunctionalInterface
	interface Fetch {

		List<Order> orders(int count) throws Exception;

	}

}
