package dev.tinyipc.benchmark;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.benchmark.own.TemplateContender;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import tools.jackson.databind.ObjectReader;
import tools.jackson.dataformat.cbor.CBORMapper;

/** Single operations, for JMH: both ends of the socket in one thread, or a worker. */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
public class SingleOperations {

	/**
	 * 64 bytes through a socket pair, in and out.
	 * @param pair the sockets
	 * @return to be kept by JMH
	 * @throws IOException if it failed
	 */
	@Benchmark
	public Object rawSendAndReceive(Pair pair) throws IOException {
		pair.sockets.parent().send(pair.data.clear());
		return pair.sockets.child().receive(pair.room.clear());
	}

	/**
	 * The typed object through a socket pair, in and out.
	 * @param pair the sockets
	 * @return to be kept by JMH
	 * @throws IOException if it failed
	 */
	@Benchmark
	public Object channelSendAndReceive(Pair pair) throws IOException {
		IpcChannel.over(pair.sockets.parent()).send(pair.order);
		try (IpcMessage<Order> message = IpcChannel.over(pair.sockets.child()).receive(Order.class)) {
			return message.payload();
		}
	}

	/**
	 * The typed object to a worker and back.
	 * @param worker the worker
	 * @return to be kept by JMH
	 */
	@Benchmark
	public Object exchange(Worker worker) {
		return worker.template.exchange(worker.order);
	}

	/**
	 * What an exchange cannot do without: the objects that the payload of the reply
	 * consists of, each made anew.
	 * @param codec has one to copy
	 * @return to be kept by JMH
	 */
	@Benchmark
	public Object payload(Codec codec) {
		return codec.copy();
	}

	/**
	 * What Jackson needs to write and read the same, in memory.
	 * @param codec the mapper
	 * @return to be kept by JMH
	 * @throws IOException if it failed
	 */
	@Benchmark
	public Object writeAndRead(Codec codec) throws IOException {
		codec.mapper.writeValue(codec.memory.begin(), codec.order);
		return codec.reader.readValue(codec.memory.bytes, 0, codec.memory.size);
	}

	/** Two sockets and what goes through them. */
	@State(Scope.Thread)
	public static class Pair {

		IpcSocketPair sockets;

		ByteBuffer data = ByteBuffer.allocateDirect(64);

		ByteBuffer room = ByteBuffer.allocateDirect(64);

		Order order = Order.sample(0);

		/**
		 * Opens them.
		 * @throws IOException if it failed
		 */
		@Setup
		public void open() throws IOException {
			this.sockets = IpcSocket.pair();
		}

		/** Closes them. */
		@TearDown
		public void close() {
			this.sockets.close();
		}

	}

	/** An application with a worker. */
	@State(Scope.Thread)
	public static class Worker {

		TemplateContender.Exchanges template;

		Order order = Order.sample(0);

		/** Starts it. */
		@Setup
		public void start() {
			this.template = TemplateContender.exchanges();
		}

		/** Stops it. */
		@TearDown
		public void stop() {
			this.template.close();
		}

	}

	/** A mapper and what it writes and reads. */
	@State(Scope.Thread)
	public static class Codec {

		final CBORMapper mapper = new CBORMapper();

		final ObjectReader reader = this.mapper.readerFor(Order.class);

		final Order order = Order.sample(0);

		final Memory memory = new Memory();

		private final byte[][] texts = Stream
			.of(this.order.customer(), this.order.product(), this.order.address().street(), this.order.address().city(),
					this.order.note())
			.map((text) -> text.getBytes(StandardCharsets.ISO_8859_1))
			.toArray(byte[][]::new);

		/**
		 * An equal order that shares nothing with the first, as if it had been decoded.
		 */
		Order copy() {
			Order from = this.order;
			return new Order(from.id(), text(0), text(1), from.quantity(), from.price(), from.discount(),
					from.created(), from.status(), from.paid(), from.gift(),
					new Order.Address(text(2), from.address().number(), text(3)), text(4));
		}

		private String text(int index) {
			return new String(this.texts[index], StandardCharsets.ISO_8859_1);
		}

	}

	/** Where is written to, without a copy. */
	static final class Memory extends OutputStream {

		final byte[] bytes = new byte[4096];

		int size;

		Memory begin() {
			this.size = 0;
			return this;
		}

		@Override
		public void write(int value) {
			this.bytes[this.size++] = (byte) value;
		}

		@Override
		public void write(byte[] source, int offset, int length) {
			System.arraycopy(source, offset, this.bytes, this.size, length);
			this.size += length;
		}

	}

}
