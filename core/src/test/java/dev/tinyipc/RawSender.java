package dev.tinyipc;

import java.util.Arrays;

/** A peer that sends what this library would not send. */
final class RawSender {

	private static final int PACKET_SIZE = 64 * 1024;

	private RawSender() {
	}

	/** Sends a body of any size as a message, in as many packets as it takes. */
	static void sendFrame(IpcSocket socket, byte[] body) throws IpcException {
		byte[] frame = Samples.frame(body);
		if (socket.isShared()) {
			sendThroughMemory(socket.sender(), frame);
			return;
		}
		for (int at = 0; at < frame.length; at += PACKET_SIZE) {
			send(socket, Arrays.copyOfRange(frame, at, Math.min(frame.length, at + PACKET_SIZE)));
		}
	}

	private static void sendThroughMemory(SocketSender sender, byte[] frame) throws IpcException {
		NativeBuffer memory = NativeBuffer.allocate(frame.length);
		memory.bytes().put(0, frame);
		sender.lock(null);
		try {
			sender.sendPacket(memory, frame.length, SocketSender.NO_DESCRIPTORS);
		}
		finally {
			sender.unlock();
		}
	}

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

}
