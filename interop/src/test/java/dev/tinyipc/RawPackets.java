package dev.tinyipc;

/** Sends what {@link IpcSocket} refuses to: packets of 0 bytes. */
public final class RawPackets {

	private RawPackets() {
	}

	/**
	 * Sends one packet.
	 * @param socket where to
	 * @param packet may be empty
	 * @param descriptors stay the caller's
	 * @throws IpcException if it cannot be sent
	 */
	public static void send(IpcSocket socket, byte[] packet, OwnedFd... descriptors) throws IpcException {
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
		java.lang.ref.Reference.reachabilityFence(payload);
	}

}
