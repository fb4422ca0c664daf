package dev.tinyipc;

import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * One message as it is on the wire:
 *
 * <pre>
 *  0        8                              8 + length
 * +--------+------------------------------+
 * | length | body                         |
 * +--------+------------------------------+
 *   u64, native byte order; at least 1
 * </pre>
 *
 * A frame that fits one packet is one packet. The first packet of a larger one holds the
 * length and the first part of the body, and raw packets follow until the length is
 * reached. Descriptors travel with the first packet.
 */
final class Frame {

	static final int HEADER_SIZE = Long.BYTES;

	/** The largest body that one buffer can hold after the header. */
	static final int MAX_BODY_SIZE = Integer.MAX_VALUE - HEADER_SIZE;

	/** No packet is larger, so that a receiver can have room before it knows the size. */
	static final int MAX_PACKET_SIZE = 512 * 1024;

	/**
	 * The size of the packets of a frame that needs several. Smaller ones cost more
	 * calls, and larger ones make the peer wait longer for the first.
	 */
	private static final int PART_SIZE = 64 * 1024;

	/**
	 * A message over the limit is dropped if it is less than this many times the limit.
	 */
	private static final int MAX_DROPPED = 64;

	/** Enough to see the envelope of a message that is dropped. */
	private static final int MAX_KEPT = 64 * 1024;

	private Frame() {
	}

	/**
	 * Sends a frame.
	 * @param frame room for the header, followed by the body
	 * @param bodyLength bytes, at least 1
	 * @param deadline null for the socket's timeout
	 */
	static void send(SocketSender sender, FrameWindow frame, int bodyLength, OwnedFd[] descriptors,
			@Nullable Deadline deadline) throws IpcException {
		frame.memory().bytes().putLong(0, bodyLength);
		int length = HEADER_SIZE + bodyLength;
		sender.lock(deadline);
		try {
			int largest = Math.min(MAX_PACKET_SIZE, sender.maxPacketSize());
			int first = (length <= largest) ? length : Math.min(PART_SIZE, largest);
			sender.send(frame, first, descriptors);
			sendRest(sender, frame, first, length);
		}
		finally {
			sender.unlock();
		}
	}

	private static void sendRest(SocketSender sender, FrameWindow frame, int partSize, int length) throws IpcException {
		int sent = partSize;
		try {
			while (sent < length) {
				int part = Math.min(partSize, length - sent);
				sender.sendRest(frame, sent, part);
				sent += part;
			}
		}
		finally {
			if (sent < length) {
				// The peer would take the next message for the rest, whatever was thrown.
				sender.breakWith(new IpcException("A message was not sent in full"));
			}
		}
	}

	/**
	 * Receives a frame.
	 * @param frame takes the header and the body
	 * @param maxBodySize bytes; nothing is allocated for more
	 * @param deadline null for the socket's timeout
	 * @return the body's length and the descriptors, or null if the peer closed
	 * @throws DroppedMessage if the body was too large, and is out of the way
	 */
	static @Nullable Packet receive(SocketReceiver receiver, FrameWindow frame, int maxBodySize,
			@Nullable Deadline deadline) throws IpcException {
		receiver.lock(deadline);
		try {
			Packet first = receiveFirst(receiver, frame.memory(), true);
			return (first != null) ? complete(receiver, frame, first, maxBodySize) : null;
		}
		finally {
			receiver.unlock();
		}
	}

	/**
	 * Receives a frame, as {@link #receive} does, if one is there.
	 * @param deadline how long to wait for the rest of a frame that has begun
	 * @return null if none is there
	 * @throws IpcException.PeerClosed if the peer closed
	 */
	static @Nullable Packet tryReceive(SocketReceiver receiver, FrameWindow frame, int maxBodySize, Deadline deadline)
			throws IpcException {
		if (!receiver.tryLock()) {
			return null;
		}
		try {
			Packet first = receiveFirst(receiver, frame.memory(), false);
			if (first == null) {
				return null;
			}
			receiver.waitUntil(deadline);
			return complete(receiver, frame, first, maxBodySize);
		}
		finally {
			receiver.unlock();
		}
	}

	private static Packet complete(SocketReceiver receiver, FrameWindow frame, Packet first, int maxBodySize)
			throws IpcException {
		boolean whole = false;
		try {
			long length = bodyLength(frame.memory(), first);
			if (Long.compareUnsigned(length, maxBodySize) > 0) {
				DroppedMessage dropped = drop(receiver, frame.memory(), first, length, maxBodySize);
				whole = true;
				throw dropped;
			}
			receiveRest(receiver, frame, first.length(), HEADER_SIZE + (int) length);
			whole = true;
			return first.resized((int) length);
		}
		catch (DroppedMessage ex) {
			throw ex;
		}
		catch (IpcException.Timeout ex) {
			// Not a timeout for the caller, which could then go on.
			throw receiver.breakWith(new IpcException("Part of a message had arrived: " + ex.getMessage(), ex));
		}
		catch (IpcException ex) {
			throw receiver.breakWith(ex);
		}
		finally {
			if (!whole) {
				// Where the next message begins is unknown.
				receiver.breakWith(new IpcException("A message was not received in full"));
				first.close();
			}
		}
	}

	private static @Nullable Packet receiveFirst(SocketReceiver receiver, NativeBuffer frame, boolean waits)
			throws IpcException {
		try {
			return waits ? receiver.receive(frame) : receiver.tryReceive(frame);
		}
		catch (IpcException.TooManyDescriptors | IpcException.MessageTooLarge ex) {
			// The packet is lost, and with it the frame. If it was the whole frame, the
			// next one follows; otherwise its rest would be taken for the next one.
			long there = receiver.lastLength() - (long) HEADER_SIZE;
			throw (frame.bytes().getLong(0) == there) ? ex : receiver.breakWith(ex);
		}
	}

	/** The announced length, unsigned. */
	private static long bodyLength(NativeBuffer frame, Packet first) throws IpcException {
		int there = first.length() - HEADER_SIZE;
		if (there <= 0) {
			throw new IpcException(
					"A packet of " + first.length() + " bytes arrived where a message should begin, with 8"
							+ " bytes of length and at least 1 of content: the peer does not speak this protocol");
		}
		long announced = frame.bytes().getLong(0);
		if (Long.compareUnsigned(announced, there) < 0) {
			throw new IpcException("A message of " + announced + " bytes was announced, but its first packet has "
					+ there + ": the peer is broken");
		}
		return announced;
	}

	/** Receives the packets that follow the first one. */
	private static void receiveRest(SocketReceiver receiver, FrameWindow frame, int received, int length)
			throws IpcException {
		frame.expect(length, received);
		for (int there = received; there < length;) {
			there += check(receiver.receiveRest(frame, there, length), there, length);
		}
	}

	/** Returns the size of the next part, if it is one. */
	private static int check(@Nullable Packet next, long there, long length) throws IpcException {
		if (next == null) {
			throw new IpcException.PeerClosed(
					"The peer closed in the middle of a message, after " + there + " of " + length + " bytes");
		}
		if (!next.descriptors().isEmpty()) {
			next.close();
			throw new IpcException("Descriptors arrived in the middle of a message, after " + (there + next.length())
					+ " of " + length + " bytes, not with its first packet: the peer is broken");
		}
		return next.length();
	}

	/**
	 * Receives the rest of a message that is too large, and forgets it.
	 * @throws IpcException.MessageTooLarge if it is so large that this would take too
	 * long
	 */
	private static DroppedMessage drop(SocketReceiver receiver, NativeBuffer memory, Packet first, long bodyLength,
			int maxBodySize) throws IpcException {
		String what = "A message of " + Long.toUnsignedString(bodyLength) + " bytes was announced, but at most "
				+ maxBodySize + " are accepted: ";
		if (Long.compareUnsigned(bodyLength, (long) MAX_DROPPED * maxBodySize) >= 0) {
			throw new IpcException.MessageTooLarge(what + "the maximum message size is too low, or the peer is broken");
		}
		ByteBuffer start = ByteBuffer.allocate(Math.min(first.length() - HEADER_SIZE, MAX_KEPT));
		memory.bytes().get(HEADER_SIZE, start.array());
		first.close();
		long length = HEADER_SIZE + bodyLength;
		for (long there = first.length(); there < length;) {
			int room = (int) Math.min(length - there, memory.capacity());
			there += check(receiver.receiveAt(memory, 0, room), there, length);
		}
		return new DroppedMessage(what + "it was dropped. Raise the maximum message size on both sides, or send a"
				+ " descriptor of the data instead", start);
	}

}
