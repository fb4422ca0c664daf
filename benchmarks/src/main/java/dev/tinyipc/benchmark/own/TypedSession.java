package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.OwnedFd;
import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Contender.CannotException;
import dev.tinyipc.benchmark.Contender.Result;
import dev.tinyipc.benchmark.Order;

/**
 * Typed messages to a {@link ChannelChild} or {@link ServedChild}, however they get
 * there.
 */
final class TypedSession implements Contender.Session {

	private final Peer peer;

	private final Turn turn;

	private TypedSession(Peer peer, Turn turn) {
		this.peer = peer;
		this.turn = turn;
	}

	/** What a child for a work reads, or null if there is no such work. */
	static String childType(String work) throws CannotException {
		return switch (work) {
			case "roundtrip", "descriptor" -> "bytes";
			case "oneway" -> "count";
			case "object", "callers" -> "order";
			case "objects" -> "orders";
			default -> throw new CannotException("no packets, and no sockets of its own");
		};
	}

	static TypedSession prepare(Peer peer, String work, List<String> parameters) throws Exception {
		return switch (work) {
			case "roundtrip" -> exchange(peer, bytes(parameters));
			case "oneway" -> oneWay(peer, bytes(parameters));
			case "descriptor" -> descriptor(peer);
			case "objects" -> exchange(peer, Order.samples().toArray(Order[]::new));
			default -> exchange(peer, Order.sample(0));
		};
	}

	private static byte[] bytes(List<String> parameters) {
		byte[] bytes = new byte[Integer.parseInt(parameters.get(0))];
		Arrays.fill(bytes, (byte) 7);
		return bytes;
	}

	private static TypedSession exchange(Peer peer, Object payload) throws Exception {
		Object reply = peer.exchange(payload, payload.getClass());
		if (!Arrays.deepEquals(new Object[] { payload }, new Object[] { reply })) {
			throw new IOException("something else came back: " + reply);
		}
		return new TypedSession(peer,
				(duration) -> Contender.repeat(duration, () -> peer.exchange(payload, payload.getClass())));
	}

	private static TypedSession descriptor(Peer peer) throws Exception {
		byte[] bytes = new byte[64];
		OwnedFd file = OwnedFd.open(Path.of("/dev/null"));
		return new TypedSession(peer,
				(duration) -> Contender.repeat(duration, () -> peer.exchange(bytes, byte[].class, file)));
	}

	private static TypedSession oneWay(Peer peer, byte[] payload) {
		return new TypedSession(peer, (duration) -> {
			long start = System.nanoTime();
			payload[0] = 0;
			long sent = 1 + Contender.repeat(duration, () -> peer.send(payload)).operations();
			payload[0] = 1;
			peer.send(payload);
			long came = peer.receive(Long.class);
			if (came != sent) {
				throw new IOException(came + " messages came of " + sent);
			}
			return new Result(sent, System.nanoTime() - start);
		});
	}

	@Override
	public Result run(Duration duration) throws Exception {
		return this.turn.run(duration);
	}

	@Override
	public void close() throws Exception {
		this.peer.close();
	}

	/** What one turn does. */
	@FunctionalInterface
	private interface Turn {

		Result run(Duration duration) throws Exception;

	}

	/** A child, or several, and how to talk to them. */
	interface Peer extends AutoCloseable {

		void send(Object payload) throws IOException;

		<R> R receive(Class<R> type) throws IOException;

		<R> R exchange(Object payload, Class<R> type, OwnedFd... descriptors) throws IOException;

	}

}
