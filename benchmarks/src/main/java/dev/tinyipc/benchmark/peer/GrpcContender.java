package dev.tinyipc.benchmark.peer;

import java.util.List;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.Contender;
import io.grpc.ManagedChannel;
import io.grpc.netty.NettyChannelBuilder;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;

/** gRPC over a Unix-domain socket: blocking calls, and a stream for one way. */
public final class GrpcContender implements Contender {

	static final int MAX_MESSAGE_SIZE = 64 * 1024 * 1024;

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(GrpcContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws Exception {
		SocketFile file = SocketFile.create();
		ChildJvm child = ChildJvm.start(GrpcChild.class, kind, file.path().toString());
		child.ready();
		EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
		ManagedChannel channel = NettyChannelBuilder.forAddress(new DomainSocketAddress(file.path().toFile()))
			.eventLoopGroup(group)
			.channelType(EpollDomainSocketChannel.class, DomainSocketAddress.class)
			.usePlaintext()
			.overrideAuthority("worker")
			.maxInboundMessageSize(MAX_MESSAGE_SIZE)
			.build();
		return new GrpcLink(channel, () -> {
			channel.shutdownNow().awaitTermination(10, TimeUnit.SECONDS);
			group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
			child.close();
			file.close();
		});
	}

}
