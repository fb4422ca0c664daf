package dev.tinyipc;

import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

/** What a higher layer keeps for a socket. */
interface SocketCompanion {

	/** Frees what is not in use; the rest is freed when it is given back. */
	void socketClosed();

	/** Lets a socket hold a companion without knowing what it is. */
	final class Holder {

		private @Nullable SocketCompanion companion;

		private boolean closed;

		/** Returns the companion, which the first call creates. */
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
