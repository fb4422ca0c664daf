package dev.tinyipc.benchmark.peer;

import io.netty.bootstrap.Bootstrap;
import io.netty.buffer.ByteBuf;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandlerContext;
import io.netty.channel.ChannelInboundHandlerAdapter;
import io.netty.channel.MultiThreadIoEventLoopGroup;
import io.netty.channel.epoll.EpollDomainSocketChannel;
import io.netty.channel.epoll.EpollIoHandler;
import io.netty.channel.unix.DomainSocketAddress;
import tools.jackson.dataformat.cbor.CBORMapper;

/** The child of {@link NettyContender}. */
final class NettyChild extends ChannelInboundHandlerAdapter {

	private final Kind kind;

	private final Codec codec;

	private long count;

	private NettyChild(Kind kind) {
		this.kind = kind;
		this.codec = Codec.of(new CBORMapper(), kind);
	}

	/**
	 * Serves until the parent closes.
	 * @param arguments the kind, and the path of the socket
	 * @throws InterruptedException never
	 */
	public static void main(String[] arguments) throws InterruptedException {
		Channel channel = new Bootstrap().group(new MultiThreadIoEventLoopGroup(1, EpollIoHandler.newFactory()))
			.channel(EpollDomainSocketChannel.class)
			.handler(new NettyFrames(new NettyChild(Kind.valueOf(arguments[0]))))
			.connect(new DomainSocketAddress(arguments[1]))
			.sync()
			.channel();
		channel.closeFuture().sync();
		System.exit(0);
	}

	@Override
	public void channelRead(ChannelHandlerContext context, Object message) {
		ByteBuf bytes = (ByteBuf) message;
		switch (this.kind) {
			case ORDER, ORDERS ->
				context.write(NettyFrames.encode(this.codec, NettyFrames.decode(this.codec, bytes), context.alloc()));
			case COUNT -> count(context, bytes);
			default -> context.write(bytes);
		}
	}

	private void count(ChannelHandlerContext context, ByteBuf bytes) {
		this.count++;
		if (bytes.getByte(0) == 1) {
			context.write(context.alloc().buffer().writeLong(this.count));
			this.count = 0;
		}
		bytes.release();
	}

	@Override
	public void channelReadComplete(ChannelHandlerContext context) {
		context.flush();
	}

}
