package dev.tinyipc;

import java.io.Closeable;
import java.util.List;
import java.util.function.ObjIntConsumer;

import org.jspecify.annotations.Nullable;

/**
 * A packet that {@link IpcSocket#receive} received. Its bytes are in the caller's buffer.
 * Closing it closes the descriptors that were not {@linkplain #take(int) taken}.
 */
public final class Packet implements Closeable {

	private int length;

	private final List<OwnedFd> descriptors;

	Packet(int length, List<OwnedFd> descriptors) {
		this.length = length;
		this.descriptors = descriptors;
	}

	/** For a message, of which this is the first packet and nobody has it yet. */
	Packet resized(int length) {
		this.length = length;
		return this;
	}

	/**
	 * The size of the packet. It is 0 only for an empty packet that carried descriptors.
	 * @return bytes
	 */
	public int length() {
		return this.length;
	}

	/**
	 * The descriptors that came with the packet, in the order in which they were sent.
	 * They are closed with it.
	 * @return at most 253 descriptors, none of which is inherited by children
	 */
	public List<OwnedFd> descriptors() {
		return this.descriptors;
	}

	/**
	 * Hands one descriptor over to the caller, who then has to close it.
	 * @param index its index in {@link #descriptors()}
	 * @return the descriptor, which outlives this packet
	 * @throws IndexOutOfBoundsException if there are fewer
	 * @throws IllegalStateException if it was already taken or closed
	 */
	public OwnedFd take(int index) {
		return OwnedFd.of(this.descriptors.get(index).detach());
	}

	/** Closes the descriptors that were not taken. Closing twice does nothing. */
	@Override
	public void close() {
		// Most have none, and even an iterator would be garbage per packet.
		if (!this.descriptors.isEmpty()) {
			OwnedFd.closeAll(this.descriptors);
		}
	}

	/**
	 * Closes what the handler does not take, even if it throws before the last packet.
	 */
	static void handOut(List<@Nullable Packet> packets, ObjIntConsumer<Packet> handler) {
		int next = 0;
		try {
			for (; next < packets.size(); next++) {
				try (Packet packet = packets.get(next)) {
					if (packet != null) {
						handler.accept(packet, next);
					}
				}
			}
		}
		finally {
			for (Packet packet : packets.subList(next, packets.size())) {
				if (packet != null) {
					packet.close();
				}
			}
		}
	}

	@Override
	public String toString() {
		return "packet of " + this.length + " bytes with " + this.descriptors.size() + " descriptors";
	}

}
