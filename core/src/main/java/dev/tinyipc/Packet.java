package dev.tinyipc;

import java.io.Closeable;
import java.util.List;
import java.util.function.ObjIntConsumer;

import org.jspecify.annotations.Nullable;

/**
 * What {@link IpcSocket#receive} received besides the bytes themselves, which are in the
 * caller's buffer. Closing it closes the descriptors that were not {@linkplain #take(int)
 * taken}.
 */
public final class Packet implements Closeable {

	private final int length;

	private final List<OwnedFd> descriptors;

	Packet(int length, List<OwnedFd> descriptors) {
		this.length = length;
		this.descriptors = descriptors;
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
	 * They stay this packet's, and are closed with it.
	 * @return at most 253 descriptors, none of which is inherited by children
	 */
	public List<OwnedFd> descriptors() {
		return this.descriptors;
	}

	/**
	 * Hands one descriptor over to the caller, who closes it: it outlives this packet.
	 * @param index its place in {@link #descriptors()}, from 0
	 * @return the descriptor
	 * @throws IndexOutOfBoundsException if there are not so many
	 * @throws IllegalStateException if it was taken or closed already
	 */
	public OwnedFd take(int index) {
		return OwnedFd.of(this.descriptors.get(index).detach());
	}

	/** Closes the descriptors that were not taken. Closing twice does nothing. */
	@Override
	public void close() {
		// Most have none, and even an iterator would be garbage for each packet.
		if (!this.descriptors.isEmpty()) {
			OwnedFd.closeAll(this.descriptors);
		}
	}

	/** Closes what the handler did not take, also if it throws before it has seen all. */
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
