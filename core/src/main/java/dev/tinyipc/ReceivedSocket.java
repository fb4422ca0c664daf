package dev.tinyipc;

import org.jspecify.annotations.Nullable;

/** A socket that came with a message: a further connection to the same peer. */
final class ReceivedSocket {

	private ReceivedSocket() {
	}

	/**
	 * Takes the first SEQPACKET socket out of a packet, if it has one, and nothing else.
	 * @return the socket, which the caller closes
	 */
	static @Nullable IpcSocket takeFrom(Packet packet) throws IpcException {
		for (int i = 0; i < packet.descriptors().size(); i++) {
			OwnedFd descriptor = packet.descriptors().get(i);
			if (descriptor.kind() == OwnedFd.Kind.SOCKET && SocketOption.isSeqPacket(descriptor)) {
				return IpcSocket.adopt(packet.take(i).detach());
			}
		}
		return null;
	}

}
