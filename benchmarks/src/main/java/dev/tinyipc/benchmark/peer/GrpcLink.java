package dev.tinyipc.benchmark.peer;

import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import java.util.function.UnaryOperator;

import com.google.protobuf.UnsafeByteOperations;
import dev.tinyipc.benchmark.Order;
import dev.tinyipc.benchmark.peer.proto.Bytes;
import dev.tinyipc.benchmark.peer.proto.Count;
import dev.tinyipc.benchmark.peer.proto.OrderMessage;
import dev.tinyipc.benchmark.peer.proto.WorkerGrpc;
import io.grpc.ManagedChannel;

/**
 * The parent's side of {@link GrpcContender}.
 *
 * @param channel to the child
 * @param end ends the child
 */
record GrpcLink(ManagedChannel channel, AutoCloseable end) implements Peer.Link {

	@Override
	public Dialogue bytes(byte[] content) {
		return exchange(message(content), WorkerGrpc.newBlockingStub(this.channel)::echoBytes,
				(reply) -> reply.getContent().toByteArray());
	}

	@Override
	public Dialogue order(Order order) {
		return exchange(GrpcOrders.message(order), WorkerGrpc.newBlockingStub(this.channel)::echoOrder,
				GrpcOrders::order);
	}

	@Override
	public Dialogue orders(List<Order> orders) {
		return exchange(GrpcOrders.messages(orders), WorkerGrpc.newBlockingStub(this.channel)::echoOrders,
				GrpcOrders::orders);
	}

	@Override
	public Dialogue fetch(int count, boolean streamed) {
		WorkerGrpc.WorkerBlockingStub stub = WorkerGrpc.newBlockingStub(this.channel);
		Count request = Count.newBuilder().setCount(count).build();
		return new Dialogue() {

			private List<OrderMessage> orders = List.of();

			@Override
			public void exchange() {
				if (streamed) {
					List<OrderMessage> all = new ArrayList<>();
					stub.streamOrders(request).forEachRemaining(all::add);
					this.orders = all;
				}
				else {
					this.orders = stub.fetchOrders(request).getOrdersList();
				}
			}

			@Override
			public Object reply() {
				return this.orders.stream().map(GrpcOrders::order).toList();
			}

		};
	}

	private static <M> Dialogue exchange(M request, UnaryOperator<M> call, Function<M, Object> content) {
		return new Dialogue() {

			private M reply = request;

			@Override
			public void exchange() {
				this.reply = call.apply(request);
			}

			@Override
			public Object reply() {
				return content.apply(this.reply);
			}

		};
	}

	@Override
	public Flood flood(byte[] content) {
		return new GrpcFlood(WorkerGrpc.newStub(this.channel), message(content));
	}

	/** The content is not copied: nobody changes it. */
	private static Bytes message(byte[] content) {
		return Bytes.newBuilder().setContent(UnsafeByteOperations.unsafeWrap(content)).build();
	}

	@Override
	public void close() throws Exception {
		this.end.close();
	}

}
