package dev.tinyipc.spring.child;

import java.util.Optional;
import java.util.OptionalInt;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;

/**
 * What can be seen of this process's end of a socket, without disturbing whoever uses it.
 *
 * @param descriptor its number in this process
 * @param pendingSize how many bytes the next packet has that has come and that nobody has
 * received; null if there is none
 * @param ended whether the peer has closed its end, and nothing is left to be received
 */
public record SocketState(int descriptor, @Nullable Integer pendingSize, boolean ended) {

	/** Looks at a socket, of which nothing can be seen once it is closed. */
	static Optional<SocketState> of(IpcSocket socket) {
		try {
			OptionalInt pending = socket.pendingSize();
			boolean ended = pending.isPresent() && pending.getAsInt() == 0;
			return Optional
				.of(new SocketState(socket.fd(), (pending.isPresent() && !ended) ? pending.getAsInt() : null, ended));
		}
		catch (IpcException | IllegalStateException ex) {
			return Optional.empty(); // closed meanwhile
		}
	}

}
