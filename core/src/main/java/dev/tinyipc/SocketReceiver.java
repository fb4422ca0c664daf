package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.ObjIntConsumer;

import com.sun.jna.Structure;
import org.jspecify.annotations.Nullable;

/** The receiving direction of a socket ({@code recvmsg(2)}). */
sealed class SocketReceiver extends SocketSide permits MemoryReceiver {

	/** One packet, by {@code recvmsg} instead of {@code recvmmsg}. */
	private static final int SINGLE = 0;

	private static final int NOTHING_THERE = -1;

	final Spin spin = new Spin();

	int lastLength;

	/** Whether the peer closed without reading all of our messages (ECONNRESET). */
	volatile boolean leftUnread;

	SocketReceiver(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken) {
		super(descriptor, broken, LibC.SO_RCVTIMEO, LibC.POLLIN);
	}

	@Nullable Packet receive(ByteBuffer target) throws IpcException {
		lock(null);
		try {
			header().scatter(target);
			int length = receivePrepared(header(), SINGLE);
			Packet packet = accept(header(), length, target.remaining());
			header().deliver(target, length);
			return packet;
		}
		finally {
			unlock();
			Reference.reachabilityFence(target);
		}
	}

	@Nullable Packet receive(ByteBuffer[] targets) throws IpcException {
		long room = 0;
		for (ByteBuffer target : targets) {
			room += target.remaining();
		}
		if (room > Integer.MAX_VALUE) {
			throw new IllegalArgumentException(
					"The buffers for one packet have " + room + " bytes, and must have less than 2 GiB");
		}
		lock(null);
		try {
			header().scatter(targets);
			int length = receivePrepared(header(), SINGLE);
			Packet packet = accept(header(), length, room);
			header().deliver(targets, length);
			return packet;
		}
		finally {
			unlock();
			Reference.reachabilityFence(targets);
		}
	}

	/** {@code null} if nothing is there. */
	@Nullable Packet tryReceive(ByteBuffer target) throws IpcException {
		if (!tryLock()) {
			return null;
		}
		try {
			header().scatter(target);
			int length = receivePrepared(header(), SINGLE);
			Packet packet = acceptIfThere(header(), length, target.remaining());
			if (packet != null) {
				header().deliver(target, length);
			}
			return packet;
		}
		finally {
			unlock();
			Reference.reachabilityFence(target);
		}
	}

	/** Receives one packet into native memory. The caller has the lock. */
	@Nullable Packet receive(NativeBuffer target) throws IpcException {
		return receiveAt(target, 0, target.capacity());
	}

	/** Receives one packet into a part of native memory. */
	@Nullable Packet receiveAt(NativeBuffer target, int offset, int room) throws IpcException {
		header().scatter(target.address() + offset, room);
		try {
			return accept(header(), receivePrepared(header(), SINGLE), room);
		}
		finally {
			Reference.reachabilityFence(target);
		}
	}

	/**
	 * Receives the next part of a message, which is in its place then.
	 * @param there how much of it has arrived
	 * @param length the length of all of it
	 */
	@Nullable Packet receiveRest(FrameWindow frame, int there, int length) throws IpcException {
		int at = frame.placeOf(there);
		Packet packet = receiveAt(frame.memory(), at, Math.min(length - there, frame.memory().capacity() - at));
		if (packet != null) {
			frame.take(there, packet.length());
		}
		return packet;
	}

	/** Receives one packet into native memory; {@code null} if nothing is there. */
	@Nullable Packet tryReceive(NativeBuffer target) throws IpcException {
		header().scatter(target.address(), target.capacity());
		try {
			return acceptIfThere(header(), receivePrepared(header(), SINGLE), target.capacity());
		}
		finally {
			Reference.reachabilityFence(target);
		}
	}

	/** Whether a packet, or the end, is there, or comes before it is worth sleeping. */
	boolean hasMore() throws IpcException {
		return pendingSize().isPresent();
	}

	/** Whether the socket itself tells a watch of the next packet, from now on. */
	boolean isAnnounced() {
		return true;
	}

	/**
	 * Called by a watch to which the socket has told of something.
	 * @param own the watch, which needs not be told; null if it has just ended
	 */
	void takeBells(@Nullable Runnable own) throws IpcException {
	}

	/** Whether the other end is closed, and nothing is left to read. */
	boolean hasEnded() {
		try {
			return pendingSize().orElse(1) == 0;
		}
		catch (IpcException ex) {
			return true;
		}
	}

	/** Whether the other end is closed, even if there is still something to read. */
	boolean isHungUp() {
		return SocketOption.isHungUp(this.descriptor);
	}

	/** See {@link IpcSocket#pendingSize()}. */
	OptionalInt pendingSize() throws IpcException {
		return peek(0, 0);
	}

	/**
	 * Looks at the next packet, which stays where it is.
	 * @return its size; empty if none is there
	 */
	OptionalInt peek(NativeBuffer start) throws IpcException {
		try {
			return peek(start.address(), start.capacity());
		}
		finally {
			Reference.reachabilityFence(start);
		}
	}

	private OptionalInt peek(long address, int room) throws IpcException {
		int fd = this.descriptor.borrow();
		try {
			while (true) {
				// Without room for control data: a peek would duplicate the descriptors.
				long size = LibC.recv(fd, address, room, LibC.MSG_PEEK | LibC.MSG_TRUNC | LibC.MSG_DONTWAIT);
				if (size >= 0) {
					return OptionalInt.of((int) size);
				}
				int error = Errno.last();
				if (error == Errno.EAGAIN.number) {
					return OptionalInt.empty();
				}
				this.leftUnread |= error == Errno.ECONNRESET.number;
				if (error != Errno.EINTR.number && error != Errno.ECONNRESET.number) {
					throw Errno.failure("recv", error);
				}
			}
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** See {@link IpcSocket#receiveBatch}. */
	boolean receiveBatch(ByteBuffer[] targets, ObjIntConsumer<Packet> handler) throws IpcException {
		if (targets.length == 0) {
			throw new IllegalArgumentException("There is no buffer to receive a packet into");
		}
		List<@Nullable Packet> packets = new ArrayList<>();
		IpcException failure;
		lock(null);
		try {
			failure = receiveSeveral(targets, packets);
		}
		finally {
			unlock();
			Reference.reachabilityFence(targets);
		}
		Packet.handOut(packets, handler);
		if (failure != null) {
			throw failure;
		}
		return packets.stream().anyMatch(Objects::nonNull);
	}

	/**
	 * Receives packets, each into a buffer of its own.
	 * @param packets receives them, by the index of their buffer; null for a failure or
	 * the end
	 * @return the first failure, to be thrown once the handler has the others
	 */
	private @Nullable IpcException receiveSeveral(ByteBuffer[] targets, List<@Nullable Packet> packets)
			throws IpcException {
		MsgHdr[] headers = batch();
		int count = Math.min(headers.length, targets.length);
		for (int i = 0; i < count; i++) {
			headers[i].scatter(targets[i]);
		}
		IpcException failure = null;
		int received = receivePrepared(headers[0], count);
		for (int i = 0; i < received; i++) {
			int length = headers[i].receivedLength();
			try {
				Packet packet = accept(headers[i], length, targets[i].remaining());
				if (packet != null) {
					headers[i].deliver(targets[i], length);
				}
				// After an empty packet of a careless peer there may be others.
				packets.add(packet);
			}
			catch (IpcException ex) {
				failure = (failure != null) ? failure : ex;
				packets.add(null);
			}
		}
		return failure;
	}

	/** Receives a structure: of its exact size, or not at all. */
	@Nullable Packet receive(Structure structure) throws IpcException {
		long address = StructBytes.address(structure);
		int size = structure.size();
		lock(null);
		try {
			header().scatter(address, size);
			Packet packet = accept(header(), receivePrepared(header(), SINGLE), size);
			if (packet != null) {
				if (packet.length() != size) {
					packet.close();
					throw new IpcException("recvmsg: a packet of " + packet.length() + " bytes does not fit a "
							+ structure.getClass().getSimpleName() + " of " + size
							+ " bytes; it is lost, with its descriptors");
				}
				structure.read();
			}
			return packet;
		}
		finally {
			unlock();
			Reference.reachabilityFence(structure);
		}
	}

	/**
	 * Receives one packet as prepared, or all that are there, but at least one.
	 * @param count {@link #SINGLE}, or the length of the array of headers
	 * @return the result of the system call: the size of the packet, which may be larger
	 * than the room for it, or the number of packets; {@link #NOTHING_THERE} if it must
	 * not wait
	 */
	private int receivePrepared(MsgHdr header, int count) throws IpcException {
		int fd = begin();
		try {
			if (flags() != 0 || !this.spin.isOn()) {
				return waitForPacket(fd, header, count);
			}
			long start = System.nanoTime();
			boolean awake = this.spin.stayAwake(start);
			int result = awake ? spinForPacket(fd, header, count, start) : NOTHING_THERE;
			if (result == NOTHING_THERE) {
				result = waitForPacket(fd, header, count);
			}
			this.spin.waited(awake, System.nanoTime() - start);
			return result;
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	private int waitForPacket(int fd, MsgHdr header, int count) throws IpcException {
		while (true) {
			long result = recvmsg(fd, header, count, flags());
			if (result >= 0) {
				return (int) result;
			}
			int error = Errno.last();
			if (error == Errno.ECONNRESET.number) {
				// Reported once; what the peer sent comes next.
				this.leftUnread = true;
				continue;
			}
			if (error != Errno.EINTR.number && error != Errno.EAGAIN.number) {
				throw Errno.failure("recvmsg", error);
			}
			if (!again(fd, error)) {
				return NOTHING_THERE;
			}
		}
	}

	/** Polls until somebody else wants the processor, or the call that waits is due. */
	private int spinForPacket(int fd, MsgHdr header, int count, long start) {
		this.spin.begin(start);
		do {
			long result = recvmsg(fd, header, count, LibC.MSG_DONTWAIT);
			if (result >= 0) {
				return (int) result;
			}
			if (Errno.last() != Errno.EAGAIN.number) {
				this.leftUnread |= Errno.last() == Errno.ECONNRESET.number;
				return NOTHING_THERE;
			}
			Thread.yield();
		}
		while (this.spin.goesOn(System.nanoTime()));
		return NOTHING_THERE;
	}

	/** MSG_TRUNC returns the true size of a packet that does not fit. */
	private static long recvmsg(int fd, MsgHdr header, int count, int waiting) {
		int flags = waiting | LibC.MSG_CMSG_CLOEXEC | LibC.MSG_TRUNC;
		return (count == SINGLE) ? LibC.recvmsg(fd, header.address(), flags)
				: LibC.recvmmsg(fd, header.address(), count, flags | LibC.MSG_WAITFORONE, 0);
	}

	/** Whether the peer is known to have closed its end without reading all messages. */
	boolean hasPeerLeftUnread() {
		return this.leftUnread;
	}

	/** The size of the last packet, even if it was rejected. */
	int lastLength() {
		return this.lastLength;
	}

	/** As {@link #accept}, but {@code null} if nothing is there. */
	private @Nullable Packet acceptIfThere(MsgHdr header, int length, long room) throws IpcException {
		if (length == NOTHING_THERE) {
			return null;
		}
		Packet packet = accept(header, length, room);
		if (packet == null) {
			throw new IpcException.PeerClosed(this.descriptor + ": the peer closed");
		}
		return packet;
	}

	/** Takes ownership of the descriptors first, and then looks at what arrived. */
	private @Nullable Packet accept(MsgHdr header, int length, long room) throws IpcException {
		this.lastLength = length;
		List<OwnedFd> descriptors = header.hasControlData() ? header.descriptors() : List.of();
		if (header.hasFlag(LibC.MSG_CTRUNC)) {
			OwnedFd.closeAll(descriptors);
			throw new IpcException.TooManyDescriptors("recvmsg: a packet of " + length + " bytes carried more"
					+ " descriptors than this process may have open (RLIMIT_NOFILE, see `ulimit -n`); the "
					+ descriptors.size() + " that arrived were closed, the others are lost");
		}
		if (length > room) {
			OwnedFd.closeAll(descriptors);
			throw new IpcException.MessageTooLarge("recvmsg: a packet of " + length + " bytes does not fit into " + room
					+ " bytes of room; it is lost, with its " + descriptors.size()
					+ " descriptors. Receive into a larger buffer");
		}
		if (length == 0 && descriptors.isEmpty()) {
			checkNotClosedHere();
			checkUsable();
			return null;
		}
		return new Packet(length, descriptors);
	}

	@Override
	IpcException.Timeout timedOut(Duration timeout) {
		return new IpcException.Timeout(this.descriptor + ": no packet arrived within " + timeout);
	}

}
