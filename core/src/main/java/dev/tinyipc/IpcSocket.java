package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
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
 * blocked in a call, {@link Thread#interrupt()} does not.
 */
public final class IpcSocket implements Closeable {

	/**
	 * The environment variable in which a child finds the descriptor number of its end,
	 * in decimal digits.
	 */
	public static final String FD_VARIABLE = "TINY_IPC_FD";

	/** The longest time that {@link #setSpinTime} takes: 10 milliseconds. */
	public static final Duration MAX_SPIN_TIME = Spin.MAX_LIMIT;

	private final OwnedFd descriptor;

	private final SocketSender sender;

	private final SocketReceiver receiver;

	private final SocketCompanion.Holder companion = new SocketCompanion.Holder();

	private IpcSocket(OwnedFd descriptor) {
		AtomicReference<@Nullable IpcException> broken = new AtomicReference<>();
		this.descriptor = descriptor;
		this.sender = new SocketSender(descriptor, broken);
		this.receiver = new SocketReceiver(descriptor, broken);
	}

	/**
	 * Makes two connected sockets ({@code socketpair(2)}), both close-on-exec.
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
	 * Takes ownership of a socket that exists, whoever made it. If this throws, the
	 * descriptor stays the caller's.
	 * @param fd the number of an open AF_UNIX socket of type SEQPACKET
	 * @return the socket
	 * @throws IpcException if the number is not open, or is anything else
	 */
	public static IpcSocket adopt(int fd) throws IpcException {
		NativeAccess.require();
		Errno.check("fcntl(" + fd + ", F_GETFD)", LibC.fcntl(fd, LibC.F_GETFD, 0));
		OwnedFd descriptor = OwnedFd.ofSocket(fd);
		boolean adopted = false;
		try {
			SocketOption.checkSeqPacket(descriptor);
			adopted = true;
			return new IpcSocket(descriptor);
		}
		finally {
			if (!adopted) {
				descriptor.detach();
			}
		}
	}

	/**
	 * The socket that the parent process handed to this one, whose number is in
	 * {@value #FD_VARIABLE}. It is close-on-exec from then on.
	 * @return the socket, the same at each call; empty if this process was not started as
	 * a child
	 * @throws IpcException if the variable is there, but names no such socket
	 */
	public static Optional<IpcSocket> inherited() throws IpcException {
		return InheritedSocket.get();
	}

	/**
	 * The descriptor's number, for polling. It stays this object's, whose calls set
	 * SO_RCVTIMEO and SO_SNDTIMEO of {@code socket(7)}.
	 * @return the number
	 * @throws IllegalStateException if this socket is closed
	 */
	public int fd() {
		return this.descriptor.fd();
	}

	/**
	 * The socket as a descriptor that can be sent over another socket, which is how a
	 * further connection reaches a process. It stays this object's.
	 * @return the descriptor
	 */
	public OwnedFd descriptor() {
		this.sender.clearSlice();
		this.receiver.clearSlice();
		return this.descriptor;
	}

	/**
	 * Gives ownership up: this object is closed, the number stays open.
	 * @return the descriptor's number
	 * @throws IllegalStateException if this socket is closed or in use by another thread
	 */
	public int detach() {
		return descriptor().detach();
	}

	/**
	 * Whether programs that this process starts do not inherit the socket.
	 * @return true unless {@link #setCloseOnExec} said otherwise
	 * @throws IpcException if this socket is closed
	 */
	public boolean isCloseOnExec() throws IpcException {
		return SocketOption.isCloseOnExec(this.descriptor);
	}

	/**
	 * Says whether programs that this process starts inherit the socket, which
	 * {@link IpcProcessBuilder} does not need.
	 * @param closeOnExec false to have every program inherit it
	 * @throws IpcException if this socket is closed
	 */
	public void setCloseOnExec(boolean closeOnExec) throws IpcException {
		SocketOption.setCloseOnExec(this.descriptor, closeOnExec);
	}

	/**
	 * Sets how long a send may wait, for the one before it and for room.
	 * @param timeout more than zero, or null to wait without limit, which is the default
	 * @throws IpcException if this socket is closed
	 */
	public void setSendTimeout(@Nullable Duration timeout) throws IpcException {
		this.sender.setDefaultTimeout(timeout);
	}

	/**
	 * Sets how long a receive may wait, for the one before it and for a packet.
	 * @param timeout more than zero, or null to wait without limit, which is the default
	 * @throws IpcException if this socket is closed
	 */
	public void setReceiveTimeout(@Nullable Duration timeout) throws IpcException {
		this.receiver.setDefaultTimeout(timeout);
	}

	/**
	 * Sets for how long a receive asks for a packet again and again before it goes to
	 * sleep. That keeps a processor busy and saves the time that waking takes: most of a
	 * short exchange, if both ends do it. A receive spins only as long as that helps, and
	 * never on a machine with one processor, on a virtual thread, or with less than 20
	 * milliseconds left.
	 * @param limit at most {@link #MAX_SPIN_TIME}; 50 microseconds are usually enough,
	 * and zero, the default, never spins
	 */
	public void setSpinTime(Duration limit) {
		this.receiver.setSpinTime(checkSpinTime(limit).toNanos());
	}

	static Duration checkSpinTime(Duration limit) {
		return Spin.checkLimit(limit);
	}

	/**
	 * The size of the largest packet that {@link #send} takes: SO_SNDBUF less what the
	 * kernel needs for itself. {@link IpcChannel} has no such limit.
	 * @return bytes
	 * @throws IpcException if this socket is closed
	 */
	public int maxPacketSize() throws IpcException {
		return this.sender.maxPacketSize();
	}

	/**
	 * Asks for room for packets that were sent and not yet received. The kernel doubles
	 * the value, up to {@code net.core.wmem_max}: see {@link #maxPacketSize()}.
	 * @param bytes SO_SNDBUF of {@code socket(7)}
	 * @throws IpcException if this socket is closed
	 */
	public void setSendBufferSize(int bytes) throws IpcException {
		this.sender.setBufferSize(bytes);
	}

	/**
	 * Sends the remaining bytes as one packet ({@code sendmsg(2)}), and waits while the
	 * peer's queue is full.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}; its position
	 * moves to its limit once the packet is sent
	 * @throws IpcException.MessageTooLarge if the packet is larger than that
	 * @throws IpcException.PeerClosed if the other end is closed
	 * @throws IpcException.Timeout if the send timeout passed; nothing was sent
	 * @throws IpcException if this socket is closed, also while this waits
	 */
	public void send(ByteBuffer data) throws IpcException {
		send(data, SocketSender.NO_DESCRIPTORS);
	}

	/**
	 * Sends the remaining bytes and the descriptors as one packet, see
	 * {@link #send(ByteBuffer)}. The descriptors stay the caller's, whatever happens; the
	 * receiver gets its own.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}
	 * @param descriptors at most 253
	 * @throws IpcException.TooManyDescriptors if there are more, or if too many that
	 * nobody has received yet are under way (ETOOMANYREFS)
	 * @throws IpcException as {@link #send(ByteBuffer)}, and if a descriptor is closed
	 */
	public void send(ByteBuffer data, OwnedFd... descriptors) throws IpcException {
		this.sender.send(data, descriptors);
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
		this.sender.send(data, descriptors);
	}

	/**
	 * Sends the bytes of a JNA structure as one packet, see
	 * {@link #send(ByteBuffer, OwnedFd...)}. They mean the same to the receiver if its
	 * structure is laid out alike.
	 * @param structure has numbers, arrays of numbers and nested structures only
	 * @param descriptors at most 253
	 * @throws IllegalArgumentException if a field is a pointer, a string or a structure
	 * by reference
	 * @throws IpcException as {@link #send(ByteBuffer, OwnedFd...)}
	 */
	public void send(Structure structure, OwnedFd... descriptors) throws IpcException {
		this.sender.send(structure, descriptors);
	}

	/**
	 * Sends each buffer as a packet of its own, with as few system calls as possible
	 * ({@code sendmmsg(2)}), and waits while the peer's queue is full.
	 * @param packets of at least 1 byte and at most {@link #maxPacketSize()} each; the
	 * position of those that were sent is at their limit, also if this throws
	 * @throws IpcException as {@link #send(ByteBuffer)}; the packets from the first
	 * unsent one on were not sent
	 */
	public void sendBatch(ByteBuffer... packets) throws IpcException {
		this.sender.sendBatch(packets);
	}

	/**
	 * Sends as {@link #send(ByteBuffer, OwnedFd...)} does, but never waits.
	 * @param data at least 1 byte and at most {@link #maxPacketSize()}
	 * @param descriptors at most 253
	 * @return false if there was no room, and nothing was sent
	 * @throws IpcException as {@link #send(ByteBuffer, OwnedFd...)}
	 */
	public boolean trySend(ByteBuffer data, OwnedFd... descriptors) throws IpcException {
		return this.sender.trySend(data, descriptors);
	}

	/**
	 * Receives one packet into the remaining bytes of the buffer ({@code recvmsg(2)}),
	 * and waits for it. All that the peer sent before it closed is received first.
	 * @param target room for a packet; its position moves behind what was received
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException.MessageTooLarge if the packet is larger than the room: it is
	 * lost, with its descriptors, and the next is received as usual
	 * @throws IpcException.TooManyDescriptors if this process may not hold as many open
	 * files as came: all of them are closed, and the next packet is received as usual
	 * @throws IpcException.Timeout if the receive timeout passed
	 * @throws IpcException if this socket is closed, also while this waits
	 */
	public @Nullable Packet receive(ByteBuffer target) throws IpcException {
		return this.receiver.receive(target);
	}

	/**
	 * Receives one packet into several buffers, which are filled one after the other, see
	 * {@link #receive(ByteBuffer)}.
	 * @param targets 1 to 1,024 buffers
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IpcException as {@link #receive(ByteBuffer)}
	 */
	public @Nullable Packet receive(ByteBuffer[] targets) throws IpcException {
		return this.receiver.receive(targets);
	}

	/**
	 * Receives as {@link #receive(ByteBuffer)} does, but never waits.
	 * @param target room for a packet
	 * @return the packet, to be closed by the caller; null if none is there
	 * @throws IpcException.PeerClosed if the peer closed its end and all it sent was
	 * received
	 * @throws IpcException as {@link #receive(ByteBuffer)}
	 */
	public @Nullable Packet tryReceive(ByteBuffer target) throws IpcException {
		return this.receiver.tryReceive(target);
	}

	/**
	 * Receives one packet that is a JNA structure, see {@link #receive(ByteBuffer)}.
	 * @param structure has numbers, arrays of numbers and nested structures only
	 * @return the packet, to be closed by the caller; null if the peer closed its end
	 * @throws IllegalArgumentException if a field is a pointer, a string or a structure
	 * by reference
	 * @throws IpcException as {@link #receive(ByteBuffer)}, and if the packet is not
	 * exactly of the structure's size: it is lost, the structure keeps its values
	 */
	public @Nullable Packet receive(Structure structure) throws IpcException {
		return this.receiver.receive(structure);
	}

	/**
	 * Receives as many packets as are there, at least one, with one system call
	 * ({@code recvmmsg(2)}), and waits for the first.
	 * @param targets room for a packet each; at most 64 are used
	 * @param handler gets each packet and the index of its buffer, in order. Descriptors
	 * that it does not take are closed when it returns
	 * @return false if the peer closed its end and all it sent was received
	 * @throws IpcException as {@link #receive(ByteBuffer)}; if one packet does not fit
	 * its buffer, after the handler got the others
	 */
	public boolean receiveBatch(ByteBuffer[] targets, ObjIntConsumer<Packet> handler) throws IpcException {
		return this.receiver.receiveBatch(targets, handler);
	}

	/**
	 * Looks at the next packet without receiving it ({@code MSG_PEEK}).
	 * @return its size in bytes; 0 if the peer closed and nothing is left; empty if
	 * nothing is there yet
	 * @throws IpcException if this socket is closed
	 */
	public OptionalInt pendingSize() throws IpcException {
		return this.receiver.pendingSize();
	}

	/**
	 * Says that nothing more will be sent: the peer sees the end once it has received
	 * what was ({@code shutdown(2)}). Receiving goes on.
	 * @throws IpcException if this socket is closed
	 */
	public void shutdownOutput() throws IpcException {
		this.sender.shutdown();
	}

	/**
	 * Whether this socket was closed or detached on this side.
	 * @return whether it is unusable
	 */
	public boolean isClosed() {
		return this.descriptor.isClosed();
	}

	/**
	 * Whether a failure left the stream of packets in a state in which nobody could tell
	 * where the next message begins.
	 * @return whether every further call fails
	 */
	boolean isBroken() {
		return this.sender.isBroken();
	}

	/**
	 * Closes this end, and wakes whoever is blocked in a call on it, who then gets an
	 * exception. Closing twice does nothing.
	 */
	@Override
	public void close() {
		this.descriptor.close();
		this.sender.release();
		this.receiver.release();
		this.companion.close();
	}

	SocketSender sender() {
		return this.sender;
	}

	SocketReceiver receiver() {
		return this.receiver;
	}

	SocketCompanion.Holder companion() {
		return this.companion;
	}

	@Override
	public String toString() {
		return this.descriptor.toString();
	}

}
