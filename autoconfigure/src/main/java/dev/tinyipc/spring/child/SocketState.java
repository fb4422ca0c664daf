package dev.tinyipc.spring.child;

import java.util.Optional;
import java.util.OptionalInt;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;

/**
 * The state of this process's end of a socket, found out without disturbing its users.
 *
 * @param descriptor its number in this process
 * @param pendingSize the size in bytes of the next packet to be received; null if there
 * is none yet
 * @param ended whether the peer has closed its end and nothing is left to be received
 */
public record SocketState(int descriptor, @Nullable Integer pendingSize, boolean ended) {

	/** Looks at a socket. The result is empty if that is closed. */
	static Optional<SocketState> of(IpcSocket socket) {
		try {
			OptionalInt pending = socket.pendingSize();
			boolean ended = pending.isPresent() && pending.getAsInt() == 0;
			return Optional
				.of(new SocketState(socket.fd(), (pending.isPresent() && !ended) ? pending.getAsInt() : null, ended));
		}
		catch (IpcException | IllegalStateException ex) {
			return Optional.empty(); // closed in the meantime
		}
	}

}
