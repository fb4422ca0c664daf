package dev.tinyipc;

import java.util.Arrays;

/** A peer that sends what this library would not send. */
final class RawSender {

	private static final int PACKET_SIZE = 64 * 1024;

	private RawSender() {
	}

	/** Sends a body of any size as a message, in as many packets as it takes. */
	static void sendFrame(IpcSocket socket, byte[] body, OwnedFd... descriptors) throws IpcException {
		byte[] frame = Samples.frame(body);
		int first = Math.min(frame.length, PACKET_SIZE);
		sendPart(socket, Arrays.copyOf(frame, first), descriptors);
		for (int at = first; at < frame.length; at += PACKET_SIZE) {
			byte[] part = Arrays.copyOfRange(frame, at, Math.min(frame.length, at + PACKET_SIZE));
			if (socket.isShared()) {
				through(socket.sender(), part, (sender, window, length) -> sender.sendRest(window, 0, length));
			}
			else {
				send(socket, part);
			}
		}
	}

	/** Sends what a frame begins with, which may be all of it. */
	static void sendPart(IpcSocket socket, byte[] part, OwnedFd... descriptors) throws IpcException {
		if (socket.isShared()) {
			through(socket.sender(), part, (sender, window, length) -> sender.send(window, length, descriptors));
		}
		else {
			send(socket, part, descriptors);
		}
	}

	private static void through(SocketSender sender, byte[] part, Sending sending) throws IpcException {
		NativeBuffer memory = NativeBuffer.allocate(part.length);
		memory.bytes().put(0, part);
		sender.lock(null);
		try {
			sending.send(sender, new Window(memory), part.length);
		}
		finally {
			sender.unlock();
		}
	}

	private interface Sending {

		void send(SocketSender sender, FrameWindow window, int length) throws IpcException;

	}

	/** Sends a single packet over the socket, also if messages go through memory. */
	static void send(IpcSocket socket, byte[] packet, OwnedFd... descriptors) throws IpcException {
		NativeBuffer payload = NativeBuffer.allocate(Math.max(1, packet.length));
		payload.bytes().put(0, packet);
		MsgHdr header = MsgHdr.create();
		header.gather(payload.address(), packet.length);
		if (descriptors.length > 0) {
			int[] numbers = new int[descriptors.length];
			for (int i = 0; i < numbers.length; i++) {
				numbers[i] = descriptors[i].fd();
			}
			header.attach(numbers);
		}
		Errno.check("sendmsg", LibC.sendmsg(socket.fd(), header.address(), LibC.MSG_NOSIGNAL));
		assert payload.capacity() > 0;
	}

	/**
	 * What is to be sent is in the memory from the start.
	 *
	 * @param memory has it
	 */
	private record Window(NativeBuffer memory) implements FrameWindow {

		@Override
		public int bring(int from, int size) {
			return from;
		}

		@Override
		public void expect(int length, int there) {
			throw new UnsupportedOperationException();
		}

		@Override
		public int placeOf(int from) {
			throw new UnsupportedOperationException();
		}

		@Override
		public void take(int from, int size) {
			throw new UnsupportedOperationException();
		}

	}

}
