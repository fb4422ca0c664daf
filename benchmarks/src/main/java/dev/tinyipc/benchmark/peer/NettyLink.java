package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.util.List;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.Order;
import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import io.netty.channel.Channel;
import io.netty.channel.ChannelFuture;
import org.jspecify.annotations.Nullable;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * The parent's side of {@link NettyContender}.
 *
 * @param channel to the child
 * @param replies where its messages come
 * @param end ends the child
 */
record NettyLink(Channel channel, BlockingQueue<ByteBuf> replies, AutoCloseable end) implements Peer.Link {

	@Override
	public Dialogue bytes(byte[] content) {
		ByteBuf request = direct(content);
		return new Dialogue() {

			private byte @Nullable [] first;

			@Override
			public void exchange() throws Exception {
				NettyLink.this.channel.writeAndFlush(request.retainedDuplicate());
				ByteBuf reply = receive();
				if (this.first == null) {
					this.first = ByteBufUtil.getBytes(reply);
				}
				reply.release();
			}

			@Override
			public @Nullable Object reply() {
				return this.first;
			}

		};
	}

	@Override
	public Flood flood(byte[] content) {
		ByteBuf message = direct(content);
		ByteBuf last = direct(content).setByte(0, 1);
		return new Flood() {

			@Override
			public void send() throws Exception {
				ChannelFuture sent = NettyLink.this.channel.writeAndFlush(message.retainedDuplicate());
				if (!NettyLink.this.channel.isWritable()) {
					sent.sync();
				}
			}

			@Override
			public long sendLast() throws Exception {
				NettyLink.this.channel.writeAndFlush(last.retainedDuplicate());
				ByteBuf answer = receive();
				long count = answer.readLong();
				answer.release();
				return count;
			}

		};
	}

	@Override
	public Dialogue order(Order order) {
		return typed(order, Kind.ORDER);
	}

	@Override
	public Dialogue orders(List<Order> orders) {
		return typed(orders, Kind.ORDERS);
	}

	private Dialogue typed(Object request, Kind kind) {
		Codec codec = Codec.of(new CBORMapper(), kind);
		return new Dialogue() {

			private Object reply = request;

			@Override
			public void exchange() throws Exception {
				Channel to = NettyLink.this.channel;
				to.writeAndFlush(NettyFrames.encode(codec, request, to.alloc()));
				this.reply = NettyFrames.decode(codec, receive());
			}

			@Override
			public Object reply() {
				return this.reply;
			}

		};
	}

	private static ByteBuf direct(byte[] content) {
		return Unpooled.directBuffer(content.length).writeBytes(content);
	}

	private ByteBuf receive() throws Exception {
		ByteBuf reply = this.replies.poll(1, TimeUnit.MINUTES);
		if (reply == null) {
			throw new IOException("no reply");
		}
		return reply;
	}

	@Override
	public void close() throws Exception {
		this.end.close();
	}

}
