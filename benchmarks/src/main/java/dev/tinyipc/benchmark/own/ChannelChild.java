package dev.tinyipc.benchmark.own;

import java.io.IOException;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.benchmark.Order;

/** A worker as one writes it, without Spring: it decodes and answers what came. */
public final class ChannelChild {

	static final int MAX_MESSAGE_SIZE = 64 * 1024 * 1024;

	private ChannelChild() {
	}

	/**
	 * Serves until the parent closes. What it reads is in the property {@code type}:
	 * {@code bytes}, {@code count}, {@code order} or {@code orders}.
	 * @param arguments none: the starter gives none
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		IpcChannel channel = IpcChannel.over(IpcSocket.inherited().orElseThrow()).withMaxMessageSize(MAX_MESSAGE_SIZE);
		switch (System.getProperty("type")) {
			case "bytes" -> echo(channel, byte[].class);
			case "order" -> echo(channel, Order.class);
			case "orders" -> echo(channel, Order[].class);
			default -> count(channel);
		}
	}

	private static void echo(IpcChannel channel, Class<?> type) throws IOException {
		while (true) {
			try (IpcMessage<?> message = channel.receive(type)) {
				if (message == null) {
					return;
				}
				channel.send(message.payload());
			}
		}
	}

	private static void count(IpcChannel channel) throws IOException {
		long received = 0;
		while (true) {
			try (IpcMessage<byte[]> message = channel.receive(byte[].class)) {
				if (message == null) {
					return;
				}
				received++;
				if (message.payload()[0] == 1) {
					channel.send(received);
					received = 0;
				}
			}
		}
	}

}
