package dev.tinyipc.benchmark.peer;

import java.io.EOFException;
import java.io.IOException;
import java.util.List;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;
import tools.jackson.databind.ObjectReader;

/** {@link ProcessBuilder} and its pipes, with a line of JSON for each message. */
public final class PipesContender implements Contender {

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(PipesContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws IOException {
		ChildJvm child = ChildJvm.start(PipesChild.class, kind);
		ObjectReader reader = (kind == Kind.COUNT) ? JsonLines.MAPPER.readerFor(PipesChild.Count.class)
				: Codec.of(JsonLines.MAPPER, kind).reader();
		Process process = child.process();
		return new Pipes(child, new JsonLines(process.getInputStream(), reader, process.getOutputStream()));
	}

	private record Pipes(ChildJvm child, JsonLines lines) implements Peer.Link {

		@Override
		public Dialogue bytes(byte[] content) {
			return exchange(content, Kind.BYTES);
		}

		@Override
		public Dialogue order(Order order) {
			return exchange(order, Kind.ORDER);
		}

		@Override
		public Dialogue orders(List<Order> orders) {
			return exchange(orders, Kind.ORDERS);
		}

		private Dialogue exchange(Object request, Kind kind) {
			Codec codec = Codec.of(JsonLines.MAPPER, kind);
			return new Dialogue() {

				private Object reply = request;

				@Override
				public void exchange() throws IOException {
					Pipes.this.lines.write(codec.writer(), request);
					this.reply = read();
				}

				@Override
				public Object reply() {
					return this.reply;
				}

			};
		}

		@Override
		public Flood flood(byte[] content) {
			Codec codec = Codec.of(JsonLines.MAPPER, Kind.COUNT);
			byte[] last = content.clone();
			last[0] = 1;
			return new Flood() {

				@Override
				public void send() throws IOException {
					Pipes.this.lines.write(codec.writer(), content);
				}

				@Override
				public long sendLast() throws IOException {
					Pipes.this.lines.write(codec.writer(), last);
					return ((PipesChild.Count) read()).count();
				}

			};
		}

		private Object read() throws IOException {
			Object value = this.lines.read();
			if (value == null) {
				throw new EOFException("the child closed");
			}
			return value;
		}

		@Override
		public void close() throws Exception {
			this.child.close();
		}

	}

}
