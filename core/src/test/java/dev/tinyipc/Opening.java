package dev.tinyipc;

import java.util.OptionalLong;

/** Opens the envelopes of what is received, and tells the numbers. */
final class Opening {

	private Opening() {
	}

	static IpcChannel.Filter telling(Listener listener) {
		return (body) -> {
			listener.opened(Envelope.open(body));
			return true;
		};
	}

	/** Is told the number of each message. */
	@FunctionalInterface
	interface Listener {

		void opened(OptionalLong id) throws IpcException;

	}

}
