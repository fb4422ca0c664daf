package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.Packet;

/**
 * A message of a fixed size in a direct buffer, sent as {@code messages.c} does it: one
 * packet, or behind its length in several.
 */
final class RawMessage {

	static final int PACKET_SIZE = 64 * 1024;

	private static final int HEADER_SIZE = Long.BYTES;

	private final ByteBuffer frame;

	private final int size;

	/** Where what is sent begins. */
	private final int start;

	RawMessage(int size) {
		this.size = size;
		this.start = (size <= PACKET_SIZE) ? HEADER_SIZE : 0;
		this.frame = ByteBuffer.allocateDirect(HEADER_SIZE + size).order(ByteOrder.nativeOrder());
		this.frame.putLong(0, size);
	}

	byte first() {
		return this.frame.get(HEADER_SIZE);
	}

	void setFirst(int value) {
		this.frame.put(HEADER_SIZE, (byte) value);
	}

	long firstLong() {
		return this.frame.getLong(HEADER_SIZE);
	}

	void setFirstLong(long value) {
		this.frame.putLong(HEADER_SIZE, value);
	}

	/** Fills the message, so that it can be told that it came back whole. */
	void fill(int value) {
		for (int i = 0; i < this.size; i++) {
			this.frame.put(HEADER_SIZE + i, (byte) value);
		}
	}

	boolean isFilledWith(int value) {
		for (int i = 0; i < this.size; i++) {
			if (this.frame.get(HEADER_SIZE + i) != value) {
				return false;
			}
		}
		return true;
	}

	/** All of it, as one packet. */
	ByteBuffer packet() {
		return this.frame.limit(this.frame.capacity()).position(HEADER_SIZE);
	}

	void send(IpcSocket socket) throws IOException {
		int end = this.frame.capacity();
		for (int sent = this.start; sent < end;) {
			int next = Math.min(sent + PACKET_SIZE, end);
			socket.send(this.frame.limit(next).position(sent));
			sent = next;
		}
	}

	/** {@code false} if the peer closed. */
	boolean receive(IpcSocket socket) throws IOException {
		int end = this.frame.capacity();
		this.frame.limit(end);
		for (int there = this.start; there < end;) {
			Packet packet = socket.receive(this.frame.position(there));
			if (packet == null) {
				return false;
			}
			there += packet.length();
		}
		return true;
	}

}
