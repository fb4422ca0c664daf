package dev.tinyipc;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.concurrent.atomic.AtomicReference;

import com.sun.jna.Structure;
import org.jspecify.annotations.Nullable;

/** The sending direction of a socket ({@code send(2)}). */
sealed class SocketSender extends SocketSide permits MemorySender {

	static final OwnedFd[] NO_DESCRIPTORS = {};

	/** One packet, by {@code send} or {@code sendmsg} instead of {@code sendmmsg}. */
	private static final int SINGLE = 0;

	/** The kernel's own share of SO_SNDBUF. */
	private static final int PACKET_OVERHEAD = 32;

	private volatile int maxPacketSize;

	private volatile boolean shutDown;

	SocketSender(OwnedFd descriptor, AtomicReference<@Nullable IpcException> broken) {
		super(descriptor, broken, LibC.SO_SNDTIMEO, LibC.POLLOUT);
	}

	void send(ByteBuffer data, OwnedFd[] descriptors) throws IpcException {
		lock(null);
		try {
			sendBuffer(data, descriptors);
		}
		finally {
			unlock();
		}
	}

	/** {@code false} if there was no room. */
	boolean trySend(ByteBuffer data, OwnedFd[] descriptors) throws IpcException {
		if (!tryLock()) {
			return false;
		}
		try {
			return sendBuffer(data, descriptors);
		}
		finally {
			unlock();
		}
	}

	private boolean sendBuffer(ByteBuffer data, OwnedFd[] descriptors) throws IpcException {
		int length = data.remaining();
		checkSize(length);
		header().gather(data);
		try {
			boolean sent = sendGathered(length, descriptors);
			if (sent) {
				data.position(data.limit());
			}
			return sent;
		}
		finally {
			Reference.reachabilityFence(data);
		}
	}

	void send(ByteBuffer[] data, OwnedFd[] descriptors) throws IpcException {
		long length = 0;
		for (ByteBuffer part : data) {
			length += part.remaining();
		}
		checkSize(length);
		lock(null);
		try {
			header().gather(data);
			sendGathered(length, descriptors);
			for (ByteBuffer part : data) {
				part.position(part.limit());
			}
		}
		finally {
			unlock();
			Reference.reachabilityFence(data);
		}
	}

	/** Sends each buffer as a packet of its own. */
	void sendBatch(ByteBuffer[] packets) throws IpcException {
		for (ByteBuffer packet : packets) {
			checkNotEmpty(packet.remaining());
		}
		int sent = 0;
		lock(null);
		try {
			while (sent < packets.length) {
				sent += sendSome(packets, sent);
			}
		}
		finally {
			unlock();
			// Not earlier, because the same buffer may be in the array twice.
			for (int i = 0; i < sent; i++) {
				packets[i].position(packets[i].limit());
			}
		}
	}

	private int sendSome(ByteBuffer[] packets, int from) throws IpcException {
		MsgHdr[] headers = batch();
		checkSize(packets[from].remaining());
		int most = Math.min(headers.length, packets.length - from);
		int count = 0;
		// A packet that is too large ends the batch, and fails when it is first in line.
		while (count < most && !isTooLarge(packets[from + count].remaining())) {
			headers[count].gather(packets[from + count]);
			count++;
		}
		try {
			return (int) sendPrepared(headers[0], count, packets[from].remaining());
		}
		finally {
			Reference.reachabilityFence(packets);
		}
	}

	/** Sends a structure's native memory. */
	void send(Structure structure, OwnedFd[] descriptors) throws IpcException {
		long address = StructBytes.address(structure);
		checkSize(structure.size());
		lock(null);
		try {
			structure.write();
			header().gather(address, structure.size());
			sendGathered(structure.size(), descriptors);
		}
		finally {
			unlock();
			Reference.reachabilityFence(structure);
		}
	}

	/** Sends the first packet of a message. The caller has the lock. */
	void send(FrameWindow frame, int length, OwnedFd[] descriptors) throws IpcException {
		frame.bring(0, length);
		sendPacket(frame.memory(), length, descriptors);
	}

	/** Sends the first bytes of native memory. The caller has the lock. */
	final void sendPacket(NativeBuffer data, int length, OwnedFd[] descriptors) throws IpcException {
		header().gather(data.address(), length);
		sendGathered(length, descriptors);
		Reference.reachabilityFence(data);
	}

	/**
	 * Sends the next part of a message after {@link #send(FrameWindow, int, OwnedFd[])}
	 * sent the first. If this fails, the socket is unusable: the peer would take the next
	 * message for the rest.
	 */
	void sendRest(FrameWindow frame, int from, int length) throws IpcException {
		NativeBuffer data = frame.memory();
		header().gather(data.address() + frame.bring(from, length), length);
		try {
			sendPlain(length);
		}
		catch (IpcException ex) {
			throw breakWith(ex);
		}
		Reference.reachabilityFence(data);
	}

	int maxPacketSize() throws IpcException {
		int size = this.maxPacketSize;
		if (size == 0) {
			size = SocketOption.get(this.descriptor, LibC.SO_SNDBUF, "SO_SNDBUF") - PACKET_OVERHEAD;
			this.maxPacketSize = size;
		}
		return size;
	}

	void setBufferSize(int bytes) throws IpcException {
		SocketOption.set(this.descriptor, LibC.SO_SNDBUF, "SO_SNDBUF", bytes);
		this.maxPacketSize = 0;
	}

	/** Sends what was gathered, with descriptors that are only lent for the call. */
	private boolean sendGathered(long length, OwnedFd[] descriptors) throws IpcException {
		int count = descriptors.length;
		if (count == 0) {
			return sendPlain(length);
		}
		if (count > MsgHdr.MAX_DESCRIPTORS) {
			throw new IpcException.TooManyDescriptors("A message carries at most " + MsgHdr.MAX_DESCRIPTORS
					+ " descriptors, not " + count + ": send the others with another message");
		}
		int[] numbers = new int[count];
		int borrowed = 0;
		try {
			while (borrowed < count) {
				numbers[borrowed] = descriptors[borrowed].lend();
				borrowed++;
			}
			header().attach(numbers);
			return sendPlain(length);
		}
		finally {
			while (borrowed > 0) {
				descriptors[--borrowed].takeBack();
			}
		}
	}

	private boolean sendPlain(long length) throws IpcException {
		return sendPrepared(header(), SINGLE, length) >= 0;
	}

	/**
	 * Sends one prepared packet, or as many packets of an array as there is room for.
	 * @param count {@link #SINGLE}, or the length of the array
	 * @param length the size of the first packet, for exceptions
	 * @return the result of the system call, or -1 if there was no room and it must not
	 * wait
	 */
	private long sendPrepared(MsgHdr header, int count, long length) throws IpcException {
		int fd = (count == SINGLE) ? begin() : beginSeveral();
		try {
			while (true) {
				// No SIGPIPE, whatever the process does with signals.
				int flags = flags() | LibC.MSG_NOSIGNAL;
				long result = (count == SINGLE) ? sendOne(fd, header, flags)
						: LibC.sendmmsg(fd, header.address(), count, flags);
				if (result >= 0) {
					return result;
				}
				int error = Errno.last();
				if (error != Errno.EINTR.number && error != Errno.EAGAIN.number) {
					throw failure(error, length);
				}
				if (!again(fd, error)) {
					return -1;
				}
			}
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	/** With a header to read, the kernel takes a fifth longer. */
	private static long sendOne(int fd, MsgHdr header, int flags) {
		return header.isPlain() ? LibC.send(fd, header.plainAddress(), header.plainLength(), flags)
				: LibC.sendmsg(fd, header.address(), flags);
	}

	void shutdown() throws IpcException {
		int fd = this.descriptor.borrow();
		try {
			this.shutDown = true;
			Errno.check("shutdown", LibC.shutdown(fd, LibC.SHUT_WR));
		}
		finally {
			this.descriptor.giveBack();
		}
	}

	final boolean isShutDown() {
		return this.shutDown;
	}

	/** Why nothing can be sent any more. */
	final IpcException peerClosed() throws IpcException {
		return failure(Errno.EPIPE.number, 0);
	}

	private IpcException failure(int error, long length) throws IpcException {
		if (error == Errno.EPIPE.number || error == Errno.ECONNRESET.number) {
			checkNotClosedHere();
			checkUsable();
			if (this.shutDown) {
				return new IpcException(this.descriptor + ": its output was shut down on this side");
			}
			return new IpcException.PeerClosed(this.descriptor + ": the peer closed");
		}
		String message = Errno.failure("send", error).getMessage();
		if (error == Errno.EMSGSIZE.number) {
			return new IpcException.MessageTooLarge(message + ": a packet of " + length + " bytes on " + this.descriptor
					+ ", which takes " + maxPacketSize() + ". Send it as a message of an IpcChannel, which has no such"
					+ " limit, or raise the send buffer (and net.core.wmem_max) first");
		}
		if (error == Errno.ETOOMANYREFS.number) {
			return new IpcException.TooManyDescriptors(message + ": this user has more descriptors in flight, sent but"
					+ " not yet received, than RLIMIT_NOFILE allows. The message was not sent; a retry can succeed once"
					+ " a receiver has caught up");
		}
		return new IpcException(message);
	}

	/** Called before anything is allocated for a packet that may be too large. */
	private void checkSize(long length) throws IpcException {
		checkNotEmpty(length);
		if (isTooLarge(length)) {
			throw failure(Errno.EMSGSIZE.number, length);
		}
	}

	private boolean isTooLarge(long length) throws IpcException {
		if (length <= MsgHdr.CHEAP_TO_COPY || length <= maxPacketSize()) {
			return false; // or so small that the kernel can check it
		}
		this.maxPacketSize = 0; // another process that has the socket may have changed it
		return length > maxPacketSize();
	}

	private static void checkNotEmpty(long length) {
		if (length == 0) {
			throw new IllegalArgumentException(
					"An empty packet looks like the end of the stream: send at least one byte");
		}
	}

	@Override
	IpcException.Timeout timedOut(Duration timeout) {
		return new IpcException.Timeout(
				this.descriptor + ": no room for a packet within " + timeout + ", the peer is not receiving");
	}

}
