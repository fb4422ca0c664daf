package dev.tinyipc;

import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

/** What a higher layer keeps for a socket. */
interface SocketCompanion {

	/** Gives back what is not in use, and lets the rest go when that is given back. */
	void socketClosed();

	/** Where a socket holds it, without knowing what it is. */
	final class Holder {

		private @Nullable SocketCompanion companion;

		private boolean closed;

		/** Returns it; it is made at the first call. */
		synchronized SocketCompanion get(Supplier<? extends SocketCompanion> maker) {
			SocketCompanion result = this.companion;
			if (result == null) {
				result = maker.get();
				this.companion = result;
				if (this.closed) {
					result.socketClosed();
				}
			}
			return result;
		}

		synchronized void close() {
			this.closed = true;
			if (this.companion != null) {
				this.companion.socketClosed();
			}
		}

	}

}
