package dev.tinyipc.benchmark.peer;

import java.io.InputStream;
import java.io.OutputStream;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufAllocator;
import io.netty.buffer.ByteBufInputStream;
import io.netty.buffer.ByteBufOutputStream;
import io.netty.channel.Channel;
import io.netty.channel.ChannelHandler;
import io.netty.channel.ChannelInitializer;
import io.netty.handler.codec.ByteToMessageDecoder;
import io.netty.handler.codec.LengthFieldBasedFrameDecoder;
import io.netty.handler.codec.LengthFieldPrepender;

/** Netty's own framing, with its customary length of 32 bits, on both sides. */
final class NettyFrames extends ChannelInitializer<Channel> {

	private static final int MAX_SIZE = 64 * 1024 * 1024;

	private static final int LENGTH_SIZE = Integer.BYTES;

	private final ChannelHandler handler;

	/**
	 * For one channel.
	 * @param handler what is done with whole messages
	 */
	NettyFrames(ChannelHandler handler) {
		this.handler = handler;
	}

	@Override
	protected void initChannel(Channel channel) {
		LengthFieldBasedFrameDecoder decoder = new LengthFieldBasedFrameDecoder(MAX_SIZE, 0, LENGTH_SIZE, 0,
				LENGTH_SIZE);
		// Does not copy a large message again and again while it comes.
		decoder.setCumulator(ByteToMessageDecoder.COMPOSITE_CUMULATOR);
		channel.pipeline().addLast(decoder, new LengthFieldPrepender(LENGTH_SIZE), this.handler);
	}

	static ByteBuf encode(Codec codec, Object value, ByteBufAllocator allocator) {
		ByteBuf message = allocator.buffer();
		codec.writer().writeValue((OutputStream) new ByteBufOutputStream(message), value);
		return message;
	}

	/** Decodes the message, and releases it. */
	static Object decode(Codec codec, ByteBuf message) {
		return codec.reader().readValue((InputStream) new ByteBufInputStream(message, true));
	}

}
