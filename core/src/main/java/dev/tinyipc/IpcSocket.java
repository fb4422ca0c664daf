package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.function.ObjIntConsumer;

import com.sun.jna.Structure;
import org.jspecify.annotations.Nullable;

/**
 * One end of a Unix socket pair of type SEQPACKET ({@code unix(7)}): what is sent as one
 * packet is received as one packet, in order, with the descriptors that travel with it.
 *
 * <pre class="code">
 * try (IpcSocketPair pair = IpcSocket.pair()) {
 *     pair.parent().send(ByteBuffer.wrap(bytes), descriptor);
 *     try (Packet packet = pair.child().receive(buffer)) {
 *         packet.descriptors().get(0).inputStream()...
 *     }
 * }
 * </pre>
 *
 * All methods may be called from any thread. Each direction serves one call at a time;
 * the next waits for it, up to its timeout. {@link #close()} wakes a thread that is
 * blocked in a call; {@link Thread#interrupt()} does not.
 */
public final class IpcSocket implements Closeable {

	/**
	 * The environment variable that tells a child the descriptor number of its socket.
	 */
	public static final String FD_VARIABLE = "TINY_IPC_FD";

	/** The longest time that {@link #setSpinTime} accepts: 10 milliseconds. */
	public static final Duration MAX_SPIN_TIME = Spin.MAX_LIMIT;

	private final OwnedFd descriptor;

	final SocketDirections directions;

	private final SocketCompanion.Holder companion = new SocketCompanion.Holder();

	private IpcSocket(OwnedFd descriptor) {
		this.descriptor = descriptor;
		this.directions = new SocketDirections(descriptor);
	}

	/**
	 * Creates two connected sockets ({@code socketpair(2)}), both close-on-exec.
	 * @return the pair
	 * @throws IpcException if there are too many open files
	 */
	public static IpcSocketPair pair() throws IpcException {
		NativeAccess.require();
		NativeBuffer ends = NativeBuffer.allocate(2 * Integer.BYTES);
		Errno.check("socketpair",
				LibC.socketpair(LibC.AF_UNIX, LibC.SOCK_SEQPACKET | LibC.SOCK_CLOEXEC, 0, ends.address()));
		return new IpcSocketPair(new IpcSocket(OwnedFd.ofSocket(ends.bytes().getInt(0))),
				new IpcSocket(OwnedFd.ofSocket(ends.bytes().getInt(Integer.BYTES))));
	}

	/**
	 * Takes ownership of an existing socket. If this throws, the caller still owns it.
	 * @param fd the number of an open AF_UNIX socket of type SEQPACKET
	 * @return the socket
	 * @throws IpcException if the number is not open, or is not such a socket
	 */
	public static IpcSocket adopt(int fd) throws IpcException {
		NativeAccess.require();
		Errno.check("fcntl(" + fd + ", F_GETFD)", LibC.fcntl(fd, LibC.F_GETFD, 0));
		OwnedFd descriptor = OwnedFd.ofSocket(fd);
		try {
			SocketOption.checkSeqPacket(descriptor);
			return new IpcSocket(descriptor);
		}
		catch (IpcException | RuntimeException | Error ex) {
			descriptor.detach();
			throw ex;
		}
	}

	/**
	 * The socket that this process inherited from its parent, as {@value #FD_VARIABLE}
	 * says. From now on it is close-on-exec.
	 * @return always the same socket; empty if this process was not started as a child
	 * @throws IpcException if the variable is set but does not name such a socket
	 */
	public static Optional<IpcSocket> inherited() throws IpcException {
		return InheritedSocket.get();
	}

	/**
	 * The descriptor's number, for polling. This object still owns it, and its calls set
	 * SO_RCVTIMEO and SO_SNDTIMEO of {@code socket(7)}.
	 * @return the number
	 * @throws IllegalStateException if this socket is closed
	 */
	public int fd() {
		return this.descriptor.fd();
	}

	/**
	 * The socket as a descriptor that can be sent over another socket, to give a process
	 * one more connection. This object still owns it.
	 * @return the descriptor
	 */
	public OwnedFd descriptor() {
		this.directions.clearSlices();
		return this.descriptor;
	}

	/**
	 * Gives up ownership: this object is closed, and the number stays open.
	 * @return the descriptor's number
	 * @throws IllegalStateException if this socket is closed or in use by another thread
	 */
	public int detach() {
		return descriptor().detach();
	}

	/**
	 * Whether programs that this process starts do not inherit the socket.
	 * @return true by default
	 * @throws IpcException if this socket is closed
	 */
	public boolean isCloseOnExec() throws IpcException {
		return SocketOption.isCloseOnExec(this.descriptor);
	}

	/**
	 * Sets whether programs that this process starts inherit the socket.
	 * {@link IpcProcessBuilder} does not need this.
	 * @param closeOnExec false to let every program inherit it
	 * @throws IpcException if this socket is closed
	 */
	public void setCloseOnExec(boolean closeOnExec) throws IpcException {
		SocketOption.setCloseOnExec(this.descriptor, closeOnExec);
	}

	/**
	 * Sets how long a send may wait for its turn and for room.
	 * @param timeout more than zero, or null to wait without limit, which is the default
	 * @throws IpcException if this socket is closed
	 */
	public void setSendTimeout(@Nullable Duration timeout) throws IpcException {
		sender().setDefaultTimeout(timeout);
	}

	/**
	 * Sets how long a receive may wait for its turn and for a packet.
	 * @param timeout more than zero, or null to wait without limit, which is the default
	 * @throws IpcException if this socket is closed
	 */
	public void setReceiveTimeout(@Nullable Duration timeout) throws IpcException {
		receiver().setDefaultTimeout(timeout);
	}

	/**
	 * Sets how long a receive spins before it goes to sleep. This costs processor time
	 * and saves that of waking up, most of a short exchange if both ends spin. A receive
	 * spins only while that helps and nobody else wants the processor, and never with one
	 * processor, on a virtual thread, or with less than 20 milliseconds left.
	 * @param limit at most {@link #MAX_SPIN_TIME}; 50 microseconds are usually enough.
	 * Zero, the default, never spins
	 */
	public void setSpinTime(Duration limit) {
		receiver().spin.setLimit(Spin.checkLimit(limit).toNanos());
	}

	/**
	 * The size of the largest packet that {@link #send} accepts: SO_SNDBUF less the
	 * kernel's own share. {@link IpcChannel} has no such limit.
	 * @return bytes
	 * @throws IpcException if this socket is closed
	 */
	public int maxPacketSize() throws IpcException {
		return sender().maxPacketSize();
	}

	/**
	 * Requests room for packets that are sent but not yet received. The kernel doubles
	 * the value, up to {@code net.core.wmem_max}: see {@link #maxPacketSize()}.
	 * @param bytes SO_SNDBUF of {@code socket(7)}
	 * @throws IpcException if this socket is closed
	 */
	public void setSendBufferSize(int bytes) throws IpcException {
		sender().setBufferSize(bytes);
	}

	/**
	 * Sends the remaining bytes as one packet ({@code sendmsg(2)}), waiting for room.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}; its position
	 * moves to its limit once the packet is sent
	 * @throws IpcException.MessageTooLarge if the packet is larger
	 * @throws IpcException.PeerClosed if the other end is closed
	 * @throws IpcException.Timeout if the send timeout passed; nothing was sent
	 * @throws IpcException if this socket is closed, even during the call
	 */
	public void send(ByteBuffer data) throws IpcException {
		send(data, SocketSender.NO_DESCRIPTORS);
	}

	/**
	 * Sends the remaining bytes and the descriptors as one packet, see
	 * {@link #send(ByteBuffer)}. The caller keeps them; the receiver gets its own.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}
	 * @param descriptors at most 253
	 * @throws IpcException.TooManyDescriptors if there are more, or if too many are in
	 * flight, sent but not yet received (ETOOMANYREFS)
	 * @throws IpcException as {@link #send(ByteBuffer)}, and if a descriptor is closed
	 */
	public void send(ByteBuffer data, OwnedFd... descriptors) throws IpcException {
		this.directions.packetSender().send(data, descriptors);
	}

	/**
	 * Sends the remaining bytes of several buffers as one packet, see
	 * {@link #send(ByteBuffer, OwnedFd...)}.
	 * @param data any number of buffers, together at least 1 byte and at most
	 * {@link #maxPacketSize()}
	 * @param descriptors at most 253
	 * @throws IpcException as {@link #send(ByteBuffer, OwnedFd...)}
	 */
	public void send(ByteBuffer[] data, OwnedFd... descriptors) throws IpcException {
		this.directions.packetSender().send(data, descriptors);
	}

	/**
	 * Sends the bytes of a JNA structure as one packet, see
	 * {@link #send(ByteBuffer, OwnedFd...)}. The receiver's must have the same layout.
	 * @param structure has numbers, arrays of numbers and nested structures only
	 * @param descriptors at most 253
	 * @throws IllegalArgumentException if a field is an address, such as a string
	 * @throws IpcException as {@link #send(ByteBuffer, OwnedFd...)}
	 */
	public void send(Structure structure, OwnedFd... descriptors) throws IpcException {
		this.directions.packetSender().send(structure, descriptors);
	}

	/**
	 * Sends each buffer as a packet of its own, with as few system calls as possible
	 * ({@code sendmmsg(2)}), and waits while the peer's queue is full.
	 * @param packets of at least 1 byte and at most {@link #maxPacketSize()} each; the
	 * position of each one that is sent moves to its limit, even if this throws
	 * @throws IpcException as {@link #send(ByteBuffer)}; the packets before are sent
	 */
	public void sendBatch(ByteBuffer... packets) throws IpcException {
		this.directions.packetSender().sendBatch(packets);
	}

	/**
	 * Sends as {@link #send(ByteBuffer, OwnedFd...)} does, but never waits.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}
	 * @param descriptors at most 253
	 * @return false if there was no room, and nothing was sent
	 * @throws IpcException as {@link #send(ByteBuffer, OwnedFd...)}
	 */
	public boolean trySend(ByteBuffer data, OwnedFd... descriptors) throws IpcException {
		return this.directions.packetSender().trySend(data, descriptors);
	}

	/**
	 * Receives one packet into the remaining bytes of the buffer ({@code recvmsg(2)}).
	 * Waits until one arrives. Whatever the peer sent before it closed is received first.
	 * @param target room for a packet; its position moves past the received bytes
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException.MessageTooLarge if the packet does not fit: it is lost, with
	 * its descriptors; the next one is received as usual
	 * @throws IpcException.TooManyDescriptors if more descriptors arrived than this
	 * process may have open: all of them are closed; the next packet is received as usual
	 * @throws IpcException.Timeout if the receive timeout passed
	 * @throws IpcException if this socket is closed, even during the call
	 */
	public @Nullable Packet receive(ByteBuffer target) throws IpcException {
		return this.directions.packetReceiver().receive(target);
	}

	/**
	 * Receives one packet into several buffers, which are filled in order, see
	 * {@link #receive(ByteBuffer)}.
	 * @param targets 1 to 1,024 buffers
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException as {@link #receive(ByteBuffer)}
	 */
	public @Nullable Packet receive(ByteBuffer[] targets) throws IpcException {
		return this.directions.packetReceiver().receive(targets);
	}

	/**
	 * Receives as {@link #receive(ByteBuffer)} does, but never waits.
	 * @param target room for a packet
	 * @return the packet, to be closed by the caller; null if none is there
	 * @throws IpcException.PeerClosed if the peer closed and nothing is left
	 * @throws IpcException as {@link #receive(ByteBuffer)}
	 */
	public @Nullable Packet tryReceive(ByteBuffer target) throws IpcException {
		return this.directions.packetReceiver().tryReceive(target);
	}

	/**
	 * Receives one packet into a JNA structure, see {@link #receive(ByteBuffer)}.
	 * @param structure has numbers, arrays of numbers and nested structures only
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IllegalArgumentException if a field is an address, such as a string
	 * @throws IpcException as {@link #receive(ByteBuffer)}, and if the packet does not
	 * have exactly the structure's size: it is lost, and the structure keeps its values
	 */
	public @Nullable Packet receive(Structure structure) throws IpcException {
		return this.directions.packetReceiver().receive(structure);
	}

	/**
	 * Receives all packets that are there, waiting for the first ({@code recvmmsg(2)}).
	 * @param targets room for a packet each; at most 64 are used
	 * @param handler gets each packet and the index of its buffer, in order. Descriptors
	 * that it does not take are closed when it returns
	 * @return false if the peer closed and nothing is left
	 * @throws IpcException as {@link #receive(ByteBuffer)}; if a packet does not fit its
	 * buffer, once the handler has the others
	 */
	public boolean receiveBatch(ByteBuffer[] targets, ObjIntConsumer<Packet> handler) throws IpcException {
		return this.directions.packetReceiver().receiveBatch(targets, handler);
	}

	/**
	 * Looks at the next packet without receiving it ({@code MSG_PEEK}).
	 * @return its size in bytes; 0 if the peer closed and nothing is left; empty for none
	 * @throws IpcException if this socket is closed
	 */
	public OptionalInt pendingSize() throws IpcException {
		return receiver().pendingSize();
	}

	/**
	 * Ends sending: the peer sees the end of the stream once it has received everything
	 * ({@code shutdown(2)}). Receiving still works.
	 * @throws IpcException if this socket is closed
	 */
	public void shutdownOutput() throws IpcException {
		sender().shutdown();
	}

	/**
	 * Whether this socket was closed or detached on this side.
	 * @return false if the peer alone closed its end
	 */
	public boolean isClosed() {
		return this.descriptor.isClosed();
	}

	/**
	 * Whether messages, which only an {@link IpcChannel} sends and receives then, go
	 * through memory that is shared with the peer: see {@link IpcRequester#share}.
	 * @return false if they go through the socket
	 */
	public boolean isShared() {
		return this.directions.isShared();
	}

	/** Whether every call fails, because a message was cut off. */
	boolean isBroken() {
		return sender().isBroken();
	}

	/**
	 * Closes this end. Calls that are blocked on it fail. Closing twice does nothing.
	 */
	@Override
	public void close() {
		this.descriptor.close();
		this.directions.release();
		this.companion.close();
	}

	/** See {@link SocketDirections#share}. */
	void share(LaneMemory memory) {
		this.directions.share(memory);
	}

	SocketSender sender() {
		return this.directions.sender();
	}

	SocketReceiver receiver() {
		return this.directions.receiver();
	}

	SocketCompanion.Holder companion() {
		return this.companion;
	}

	@Override
	public String toString() {
		return this.descriptor.toString();
	}

}
