package dev.tinyipc.benchmark.peer;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.List;

import dev.tinyipc.benchmark.Contender.CannotException;
import dev.tinyipc.benchmark.Order;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORMapper;

/** The parent's side of {@link Frames}: bytes as they are, and objects in CBOR. */
final class FramesLink implements Peer.Link {

	/** For a transport that carries none. */
	static final BeforeDescriptor NO_DESCRIPTORS = () -> {
		throw new CannotException("no descriptors");
	};

	private final Frames frames;

	private final AutoCloseable child;

	private final BeforeDescriptor descriptor;

	/**
	 * Talks to a child that runs {@link FramesChild}.
	 * @param frames to the child
	 * @param descriptor what is to be done so that the next message carries one
	 * @param child ends it
	 */
	FramesLink(Frames frames, BeforeDescriptor descriptor, AutoCloseable child) {
		this.frames = frames;
		this.descriptor = descriptor;
		this.child = child;
	}

	@Override
	public Dialogue bytes(byte[] content) {
		return bytes(content, () -> {
		});
	}

	@Override
	public Dialogue descriptor(byte[] content) throws Exception {
		this.descriptor.attach();
		return bytes(content, this.descriptor);
	}

	private Dialogue bytes(byte[] content, BeforeDescriptor before) {
		ByteBuffer request = Frames.frame(content);
		return new Dialogue() {

			private ByteBuffer reply = request;

			@Override
			public void exchange() throws Exception {
				before.attach();
				FramesLink.this.frames.send(request);
				this.reply = receive();
			}

			@Override
			public Object reply() {
				byte[] body = new byte[this.reply.remaining() - Frames.HEADER_SIZE];
				this.reply.get(Frames.HEADER_SIZE, body);
				return body;
			}

		};
	}

	@Override
	public Flood flood(byte[] content) {
		ByteBuffer message = Frames.frame(content);
		ByteBuffer last = Frames.frame(content).put(Frames.HEADER_SIZE, (byte) 1);
		return new Flood() {

			@Override
			public void send() throws IOException {
				FramesLink.this.frames.send(message);
			}

			@Override
			public long sendLast() throws IOException {
				FramesLink.this.frames.send(last);
				return receive().getLong(Frames.HEADER_SIZE);
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
		FrameOutput output = new FrameOutput();
		return new Dialogue() {

			private Object reply = request;

			@Override
			public void exchange() throws IOException {
				FramesLink.this.frames.send(output.encode(codec, request));
				ByteBuffer frame = receive().position(Frames.HEADER_SIZE);
				this.reply = codec.reader().readValue(new ByteBufferBackedInputStream(frame));
			}

			@Override
			public Object reply() {
				return this.reply;
			}

		};
	}

	private ByteBuffer receive() throws IOException {
		ByteBuffer frame = this.frames.receive();
		if (frame == null) {
			throw new EOFException("the child closed");
		}
		return frame;
	}

	@Override
	public void close() throws Exception {
		this.child.close();
	}

	/** Has the next message carry a descriptor. */
	@FunctionalInterface
	interface BeforeDescriptor {

		void attach() throws Exception;

	}

}
