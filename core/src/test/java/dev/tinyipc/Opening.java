package dev.tinyipc;

import java.util.Optional;
import java.util.OptionalLong;

/** Opens the envelopes of what is received, and tells the numbers. */
final class Opening {

	/** Of a peer that repeats numbers, and can do nothing else. */
	static final IpcHello HELLO = new IpcHello(2, true, false, 1, Optional.empty(), 0, 0, false, 0);

	private Opening() {
	}

	static MessageFilter telling(Listener listener) {
		return (body, packet) -> {
			Envelope envelope = Envelope.open(body);
			listener.opened((envelope != null) ? envelope.id() : OptionalLong.empty());
			return MessageFilter.Verdict.DELIVER;
		};
	}

	/** Is told the number of each message. */
	@FunctionalInterface
	interface Listener {

		void opened(OptionalLong id) throws IpcException;

	}

}
