package dev.tinyipc.benchmark.own;

import java.nio.ByteBuffer;
import java.util.List;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.benchmark.Order;

/**
 * A worker as one writes it, with or without Spring: handlers of an {@code IpcServer}.
 */
public final class ServedChild {

	/** How many requests it serves at a time, if its parent asks for that. */
	static final int LANES = 8;

	private static final long EVEN_BYTES = 0x00ff_00ff_00ff_00ffL;

	private ServedChild() {
	}

	/**
	 * Serves until the parent closes. What it takes is in the property {@code type}:
	 * {@code bytes}, {@code sum} of bytes, {@code order}, {@code order-by-lanes},
	 * {@code orders} or {@code number}, to be echoed; {@code fetch} for a number to be
	 * answered by that many orders.
	 * @param arguments none: the starter gives none
	 * @throws IpcException if it failed
	 */
	public static void main(String[] arguments) throws IpcException {
		String type = System.getProperty("type");
		IpcServerBuilder server = switch (type) {
			case "bytes" -> echo(byte[].class);
			case "sum" -> IpcServer.builder().handler(ByteBuffer.class, (request) -> sum(request.payload()));
			case "order" -> echo(Order.class);
			case "order-by-lanes" -> echo(Order.class).threads(LANES);
			case "orders" -> echo(Order[].class);
			case "number" -> echo(Integer.class).threads(LANES);
			case "fetch" -> fetch();
			default -> throw new IllegalArgumentException(type);
		};
		server.serve();
	}

	/** Eight bytes at a time, and each of them in one of four sums of 16 bits. */
	private static long sum(ByteBuffer bytes) {
		long total = 0;
		int at = 0;
		while (at + Long.BYTES <= bytes.limit()) {
			long sums = 0;
			// More could overflow.
			for (int i = 0; i < 128 && at + Long.BYTES <= bytes.limit(); i++, at += Long.BYTES) {
				long eight = bytes.getLong(at);
				sums += (eight & EVEN_BYTES) + (eight >>> Byte.SIZE & EVEN_BYTES);
			}
			for (int shift = 0; shift < Long.SIZE; shift += Short.SIZE) {
				total += sums >>> shift & 0xffff;
			}
		}
		for (; at < bytes.limit(); at++) {
			total += bytes.get(at) & 0xff;
		}
		return total;
	}

	private static <T> IpcServerBuilder echo(Class<T> type) {
		return IpcServer.builder().handler(type, IpcMessage<T>::payload);
	}

	/** The same orders, in one reply or one by one. */
	private static IpcServerBuilder fetch() {
		List<Order> orders = Order.samples();
		return IpcServer.builder()
			.handler("list", Integer.class, (request) -> orders.subList(0, request.payload()))
			.stream("stream", Integer.class, (request, context, elements) -> {
				for (Order order : orders.subList(0, request.payload())) {
					elements.send(order);
				}
			});
	}

}
