package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.util.List;

import dev.tinyipc.benchmark.Order;

/**
 * The parent's side of {@link JmsContender}.
 *
 * @param connection to the broker
 * @param queues to the child and back
 * @param child what listens there
 */
record JmsLink(JmsConnection connection, JmsQueues queues, ChildJvm child) implements Peer.Link {

	@Override
	public Dialogue bytes(byte[] content) {
		return exchange(content);
	}

	@Override
	public Dialogue order(Order order) {
		return exchange(order);
	}

	/** As an array, since a message names the class of its content. */
	@Override
	public Dialogue orders(List<Order> orders) {
		Dialogue exchange = exchange(orders.toArray(Order[]::new));
		return new Dialogue() {

			@Override
			public void exchange() throws Exception {
				exchange.exchange();
			}

			@Override
			public Object reply() {
				return List.of((Order[]) exchange.reply());
			}

		};
	}

	private Dialogue exchange(Object request) {
		return new Dialogue() {

			private Object reply = request;

			@Override
			public void exchange() throws IOException {
				send(request);
				this.reply = receive();
			}

			@Override
			public Object reply() {
				return this.reply;
			}

		};
	}

	@Override
	public Flood flood(byte[] content) {
		byte[] last = content.clone();
		last[0] = 1;
		return new Flood() {

			@Override
			public void send() {
				JmsLink.this.send(content);
			}

			@Override
			public long sendLast() throws IOException {
				JmsLink.this.send(last);
				return Long.parseLong((String) receive());
			}

		};
	}

	private void send(Object content) {
		this.connection.template().convertAndSend(this.queues.requests(), content);
	}

	private Object receive() throws IOException {
		Object content = this.connection.template().receiveAndConvert(this.queues.replies());
		if (content == null) {
			throw new IOException("no reply");
		}
		return content;
	}

	@Override
	public void close() throws Exception {
		this.child.close();
		this.connection.close();
	}

}
