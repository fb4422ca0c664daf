package dev.tinyipc;

import java.util.Arrays;

/** A peer that sends what this library would not send. */
final class RawSender {

	private static final int PACKET_SIZE = 64 * 1024;

	private RawSender() {
	}

	/** Sends a body of any size as a message, in as many packets as it takes. */
	static void sendFrame(IpcSocket socket, byte[] body) throws IpcException {
		if (socket.isShared()) {
			sendThroughMemory(socket.sender(), body);
			return;
		}
		byte[] frame = Samples.frame(body);
		for (int at = 0; at < frame.length; at += PACKET_SIZE) {
			send(socket, Arrays.copyOfRange(frame, at, Math.min(frame.length, at + PACKET_SIZE)));
		}
	}

	private static void sendThroughMemory(SocketSender sender, byte[] body) throws IpcException {
		FrameBuffer.Slot slot = new FrameBuffer.Slot();
		FrameBuffer frame = slot.take().begin(body.length);
		frame.write(body, 0, body.length);
		try {
			Frame.send(sender, frame, body.length, SocketSender.NO_DESCRIPTORS, null);
		}
		finally {
			frame.giveBack();
			slot.close();
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
