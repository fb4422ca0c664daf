package dev.tinyipc;

import org.jspecify.annotations.Nullable;

/** A socket that came with a message: a further connection to the same peer. */
final class ReceivedSocket {

	private ReceivedSocket() {
	}

	/**
	 * Takes the first SEQPACKET socket out of a packet, if it has one.
	 * @return the socket, which the caller closes
	 */
	static @Nullable IpcSocket takeFrom(Packet packet) throws IpcException {
		for (int i = 0; i < packet.descriptors().size(); i++) {
			if (packet.descriptors().get(i).kind() == OwnedFd.Kind.SOCKET) {
				IpcSocket socket = adopt(packet.take(i));
				if (socket != null) {
					return socket;
				}
			}
		}
		return null;
	}

	private static @Nullable IpcSocket adopt(OwnedFd descriptor) {
		int fd = descriptor.detach();
		try {
			return IpcSocket.adopt(fd);
		}
		catch (IpcException ex) { // a socket of another type
			OwnedFd.of(fd).close();
			return null;
		}
	}

}
