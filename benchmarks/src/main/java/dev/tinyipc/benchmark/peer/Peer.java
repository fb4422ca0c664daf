package dev.tinyipc.benchmark.peer;

import java.util.List;

import dev.tinyipc.benchmark.Contender.CannotException;
import dev.tinyipc.benchmark.Order;

/** A way to talk to a child. */
@FunctionalInterface
interface Peer {

	/**
	 * Starts a child.
	 * @param kind what for
	 * @return how to talk to it
	 * @throws Exception if it failed
	 */
	Link start(Kind kind) throws Exception;

	/**
	 * A child that runs, and how to talk to it. Only what its kind asks for is called.
	 */
	interface Link extends AutoCloseable {

		Dialogue bytes(byte[] content) throws Exception;

		Flood flood(byte[] content) throws Exception;

		Dialogue order(Order order) throws Exception;

		Dialogue orders(List<Order> orders) throws Exception;

		/** A small request for so many orders, in one reply or one by one. */
		default Dialogue fetch(int count, boolean streamed) throws Exception {
			throw new CannotException("fetches nothing");
		}

		default Dialogue descriptor(byte[] content) throws Exception {
			throw new CannotException("no descriptors");
		}

		/** Ends the child, and waits for its end. */
		@Override
		void close() throws Exception;

	}

}
