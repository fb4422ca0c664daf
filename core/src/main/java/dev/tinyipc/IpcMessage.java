package dev.tinyipc;

import java.io.Closeable;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * A received message: a typed payload, and the descriptors that came with it. Closing it
 * closes the descriptors that were not {@linkplain #take(int) taken}.
 *
 * @param <T> the type of the payload
 */
public final class IpcMessage<T extends @Nullable Object> implements Closeable {

	private final T payload;

	private final Packet packet;

	private final long size;

	/** Ends the validity of memory that the payload shares with the peer. */
	private final ReceivedBlocks.@Nullable Message shared;

	private final LeakDetector leak;

	IpcMessage(T payload, Packet packet) {
		this(payload, packet, Frame.HEADER_SIZE + (long) packet.length());
	}

	/** Part of a message that brought others, too. */
	IpcMessage(T payload, Packet packet, long size) {
		this.payload = payload;
		this.packet = packet;
		this.size = size;
		this.shared = null;
		this.leak = LeakDetector.NONE;
	}

	/** Whose payload may share memory with the peer. */
	IpcMessage(T payload, Packet packet, ReceivedBlocks.Message shared) {
		this.payload = payload;
		this.packet = packet;
		this.size = Frame.HEADER_SIZE + (long) packet.length();
		this.shared = shared;
		this.leak = shared.hasViews() ? LeakDetector.watch(this, "A message with a view of shared blocks")
				: LeakDetector.NONE;
	}

	/**
	 * Creates a message that has not been received: the result of a method of a contract.
	 * @param payload the value; null is a value too
	 * @param descriptors at most 253, which the message owns
	 * @param <T> the type of the payload
	 * @return a message of size 8, as if its payload took no bytes
	 * @see IpcExchange
	 */
	public static <T extends @Nullable Object> IpcMessage<T> of(T payload, OwnedFd... descriptors) {
		return new IpcMessage<>(payload, new Packet(0, List.of(descriptors)));
	}

	/**
	 * The value that was sent. A {@link java.nio.ByteBuffer} in it may be a view of
	 * memory that is shared with the peer, see {@link SharedBlocks}: it is valid until
	 * this message is closed.
	 * @return the value; null only if the peer sent a null
	 */
	public T payload() {
		return this.payload;
	}

	/**
	 * The size of the message on the wire, including its header of 8 bytes. Of elements
	 * of a stream that came in one message, each has its own share.
	 * @return bytes
	 */
	public long size() {
		return this.size;
	}

	/**
	 * The descriptors that came with the message, in the order in which they were sent.
	 * They are closed with it.
	 * @return at most 253 descriptors, none of which is inherited by children
	 */
	public List<OwnedFd> descriptors() {
		return this.packet.descriptors();
	}

	/**
	 * Returns one of the {@link #descriptors()} if it is a regular file or memory, which
	 * never block a reader. A peer may send anything where a file is expected: a
	 * terminal, or a pipe that nobody writes to.
	 * @param index its index
	 * @return the descriptor, which is closed with this message
	 * @throws IndexOutOfBoundsException if there are fewer
	 * @throws IpcException if it is anything else, or closed
	 */
	public OwnedFd file(int index) throws IpcException {
		OwnedFd descriptor = descriptors().get(index);
		OwnedFd.Kind kind = descriptor.kind();
		if (kind != OwnedFd.Kind.FILE && kind != OwnedFd.Kind.MEMORY) {
			throw new IpcException(
					"A file was expected as descriptor " + index + " of the message, but it is " + kind.description());
		}
		return descriptor;
	}

	/**
	 * Hands one descriptor over to the caller, who then has to close it.
	 * @param index its index in {@link #descriptors()}
	 * @return the descriptor, which outlives this message
	 * @throws IndexOutOfBoundsException if there are fewer
	 * @throws IllegalStateException if it was already taken or closed
	 */
	public OwnedFd take(int index) {
		return this.packet.take(index);
	}

	/**
	 * Closes the descriptors that were not taken, and lets the peer reuse memory that the
	 * payload shares with it. Closing twice does nothing.
	 */
	@Override
	public void close() {
		this.packet.close();
		if (this.shared != null) {
			this.shared.close();
		}
		this.leak.forget();
	}

	/** Whether the payload shares memory with the peer. */
	boolean hasViews() {
		return this.shared != null && this.shared.hasViews();
	}

	@Override
	public String toString() {
		return "message of " + size() + " bytes with " + descriptors().size() + " descriptors: " + this.payload;
	}

}
