package dev.tinyipc.benchmark.peer;

import java.util.List;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.Contender;
import io.netty.bootstrap.ServerBootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.EventLoopGroup;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.epoll.EpollServerDomainSocketChannel;
import io.netty.channel.unix.DomainSocketAddress;

/**
 * Netty's native Unix-domain sockets, with its framing, and CBOR. The caller waits for
 * the reply that the event loop hands to it, as a caller in a Spring application would.
 */
public final class NettyContender implements Contender {

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(NettyContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws Exception {
		EventLoopGroup group = new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory());
		Replies replies = new Replies();
		try (SocketFile file = SocketFile.create()) {
			Channel server = new ServerBootstrap().group(group)
				.channel(EpollServerDomainSocketChannel.class)
				.childHandler(new NettyFrames(replies))
				.bind(new DomainSocketAddress(file.path().toFile()))
				.sync()
				.channel();
			ChildJvm child = ChildJvm.start(NettyChild.class, kind, file.path().toString());
			Channel channel = replies.channel.take();
			server.close().sync();
			return new NettyLink(channel, replies.messages, () -> {
				channel.close().sync();
				group.shutdownGracefully(0, 1, TimeUnit.SECONDS).sync();
				child.close();
			});
		}
	}

	/** Hands what comes to the caller that waits for it. */
	private static final class Replies extends ChannelInboundHandlerAdapter {

		private final BlockingQueue<Channel> channel = new ArrayBlockingQueue<>(1);

		private final BlockingQueue<ByteBuf> messages = new ArrayBlockingQueue<>(1);

		@Override
		public void channelActive(ChannelHandlerContext context) {
			this.channel.add(context.channel());
		}

		@Override
		public void channelRead(ChannelHandlerContext context, Object message) {
			this.messages.add((ByteBuf) message);
		}

	}

}
