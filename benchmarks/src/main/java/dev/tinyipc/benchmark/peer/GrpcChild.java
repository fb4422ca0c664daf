package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.util.Iterator;
import java.util.List;

import dev.tinyipc.benchmark.Order;
import dev.tinyipc.benchmark.peer.proto.Bytes;
import dev.tinyipc.benchmark.peer.proto.Count;
import dev.tinyipc.benchmark.peer.proto.OrderList;
import dev.tinyipc.benchmark.peer.proto.OrderMessage;
import dev.tinyipc.benchmark.peer.proto.WorkerGrpc;
import io.grpc.netty.NettyServerBuilder;
import io.grpc.stub.ServerCallStreamObserver;
import io.grpc.stub.StreamObserver;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;

/** The child of {@link GrpcContender}. */
final class GrpcChild extends WorkerGrpc.WorkerImplBase {

	private final OrderList orders = GrpcOrders.messages(Order.samples());

	private GrpcChild() {
	}

	/**
	 * Serves until its input ends.
	 * @param arguments the kind, which does not matter, and the path of the socket
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
		NettyServerBuilder.forAddress(new DomainSocketAddress(arguments[1]))
			.channelType(EpollServerDomainSocketChannel.class)
			.bossEventLoopGroup(group)
			.workerEventLoopGroup(group)
			.maxInboundMessageSize(GrpcContender.MAX_MESSAGE_SIZE)
			// No call waits for anything.
			.directExecutor()
			.addService(new GrpcChild())
			.build()
			.start();
		ChildJvm.tellReady("");
		System.exit(0);
	}

	@Override
	public void echoBytes(Bytes request, StreamObserver<Bytes> reply) {
		answer(request, reply);
	}

	@Override
	public void echoOrder(OrderMessage request, StreamObserver<OrderMessage> reply) {
		answer(request, reply);
	}

	@Override
	public void echoOrders(OrderList request, StreamObserver<OrderList> reply) {
		answer(request, reply);
	}

	@Override
	public void fetchOrders(Count request, StreamObserver<OrderList> reply) {
		answer(OrderList.newBuilder().addAllOrders(wanted(request)).build(), reply);
	}

	/** As fast as the transport takes them. */
	@Override
	public void streamOrders(Count request, StreamObserver<OrderMessage> reply) {
		ServerCallStreamObserver<OrderMessage> call = (ServerCallStreamObserver<OrderMessage>) reply;
		Iterator<OrderMessage> left = wanted(request).iterator();
		call.setOnReadyHandler(() -> {
			while (call.isReady() && left.hasNext()) {
				call.onNext(left.next());
				if (!left.hasNext()) {
					call.onCompleted();
				}
			}
		});
	}

	private List<OrderMessage> wanted(Count request) {
		return this.orders.getOrdersList().subList(0, (int) request.getCount());
	}

	private static <M> void answer(M message, StreamObserver<M> reply) {
		reply.onNext(message);
		reply.onCompleted();
	}

	@Override
	public StreamObserver<Bytes> countBytes(StreamObserver<Count> reply) {
		return new StreamObserver<>() {

			private long count;

			@Override
			public void onNext(Bytes value) {
				this.count++;
			}

			@Override
			public void onError(Throwable error) {
				// The parent is gone.
			}

			@Override
			public void onCompleted() {
				answer(Count.newBuilder().setCount(this.count).build(), reply);
			}

		};
	}

}
