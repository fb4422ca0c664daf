package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Contender.CannotException;
import dev.tinyipc.benchmark.Contender.Result;
import dev.tinyipc.benchmark.Order;

/** The works of the peers, whatever the peer. */
final class PeerSession implements Contender.Session {

	private static final int SMALL = 64;

	private final Peer.Link link;

	private final Turn turn;

	private PeerSession(Peer.Link link, Turn turn) {
		this.link = link;
		this.turn = turn;
	}

	static Contender.Session prepare(Peer peer, String work, List<String> parameters) throws Exception {
		return switch (work) {
			case "roundtrip" -> exchanges(peer.start(Kind.BYTES), content(parameters), Peer.Link::bytes);
			case "oneway" -> oneWay(peer.start(Kind.COUNT), content(parameters));
			case "descriptor" -> exchanges(peer.start(Kind.DESCRIPTOR), content(SMALL), Peer.Link::descriptor);
			case "object" -> exchanges(peer.start(Kind.ORDER), Order.sample(0), Peer.Link::order);
			case "objects" -> exchanges(peer.start(Kind.ORDERS), Order.samples(), Peer.Link::orders);
			case "fetch" -> fetch(peer.start(Kind.FETCH), parameters.get(0).equals("stream"));
			case "spawn" -> spawn(peer, parameters.get(0));
			default -> throw new CannotException("not one of the peers' works");
		};
	}

	private static byte[] content(List<String> parameters) {
		return content(Integer.parseInt(parameters.get(0)));
	}

	/** Begins with 0, which is not yet the last one of a flood. */
	private static byte[] content(int size) {
		byte[] content = new byte[size];
		for (int i = 0; i < size; i++) {
			content[i] = (byte) (i * 31);
		}
		return content;
	}

	private static <T> PeerSession exchanges(Peer.Link link, T content, Opening<T> opening) throws Exception {
		Dialogue dialogue = orClose(link, () -> checked(opening.open(link, content), content));
		return new PeerSession(link, (duration) -> Contender.repeat(duration, dialogue::exchange));
	}

	private static PeerSession fetch(Peer.Link link, boolean streamed) throws Exception {
		List<Order> orders = Order.samples();
		Dialogue dialogue = orClose(link, () -> checked(link.fetch(orders.size(), streamed), orders));
		return new PeerSession(link, (duration) -> Contender.repeat(duration, dialogue::exchange));
	}

	private static Dialogue checked(Dialogue dialogue, Object content) throws Exception {
		dialogue.exchange();
		if (!Objects.deepEquals(content, dialogue.reply())) {
			throw new IOException("something else came back");
		}
		return dialogue;
	}

	private static PeerSession oneWay(Peer.Link link, byte[] content) throws Exception {
		Flood flood = orClose(link, () -> {
			Flood opened = link.flood(content);
			expect(1, opened.sendLast());
			return opened;
		});
		return new PeerSession(link, (duration) -> {
			long start = System.nanoTime();
			long sent = Contender.repeat(duration, flood::send).operations() + 1;
			expect(sent, flood.sendLast());
			return new Result(sent, System.nanoTime() - start);
		});
	}

	private static void expect(long sent, long came) throws IOException {
		if (sent != came) {
			throw new IOException(came + " messages came of " + sent);
		}
	}

	private static Contender.Session spawn(Peer peer, String child) throws Exception {
		if (!child.equals("java")) {
			throw new CannotException("the child is Java");
		}
		byte[] content = content(SMALL);
		exchanges(peer.start(Kind.BYTES), content, Peer.Link::bytes).close();
		return new Contender.Session() {

			@Override
			public Result run(Duration duration) throws Exception {
				long end = System.nanoTime() + duration.toNanos();
				long operations = 0;
				long nanoseconds = 0;
				do {
					long start = System.nanoTime();
					try (Peer.Link link = peer.start(Kind.BYTES)) {
						link.bytes(content).exchange();
						nanoseconds += System.nanoTime() - start;
						operations++;
					}
				}
				while (System.nanoTime() < end);
				return new Result(operations, nanoseconds);
			}

			@Override
			public void close() {
				// Each child has ended by then.
			}

		};
	}

	private static <T> T orClose(Peer.Link link, Attempt<T> attempt) throws Exception {
		try {
			return attempt.make();
		}
		catch (Exception ex) {
			link.close();
			throw ex;
		}
	}

	@Override
	public Result run(Duration duration) throws Exception {
		return this.turn.run(duration);
	}

	@Override
	public void close() throws Exception {
		this.link.close();
	}

	@FunctionalInterface
	private interface Opening<T> {

		Dialogue open(Peer.Link link, T content) throws Exception;

	}

	@FunctionalInterface
	private interface Attempt<T> {

		T make() throws Exception;

	}

	@FunctionalInterface
	private interface Turn {

		Result run(Duration duration) throws Exception;

	}

}
