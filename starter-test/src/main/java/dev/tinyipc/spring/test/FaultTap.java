package dev.tinyipc.spring.test;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;

/** Makes the faults of one instance of a child. */
final class FaultTap implements FrameRelay.Tap {

	/** Of an instance that dies, as of a program that throws. */
	private static final int EXIT_CODE = 1;

	/** A break that ends nothing. */
	private static final byte MALFORMED = (byte) 0xff;

	private final String child;

	private final IpcFaults faults;

	private final FrameRelay relay;

	private final int maxMessageSize;

	/** Those that answers will have. */
	private final Map<FrameRelay.Link, IpcFaults.Fault> pending = new ConcurrentHashMap<>();

	FaultTap(String child, IpcFaults faults, FrameRelay relay, IpcChannel channel) {
		this.child = child;
		this.faults = faults;
		this.relay = relay;
		this.maxMessageSize = channel.maxMessageSize();
	}

	@Override
	public void request(FrameRelay.Link link, RawFrame frame) throws IpcException {
		IpcFaults.Fault fault = Message.isRemark(frame.body()) ? null : this.faults.next(this.child);
		if (fault == null) {
			link.passRequest(frame);
			return;
		}
		switch (fault.kind()) {
			case DIE -> this.relay.end(EXIT_CODE);
			case HANG -> {
				// Nobody hears of it.
			}
			default -> {
				this.pending.put(link, fault);
				link.passRequest(frame);
			}
		}
	}

	@Override
	public void answer(FrameRelay.Link link, RawFrame frame) throws IpcException {
		IpcFaults.Fault fault = this.pending.remove(link);
		if (fault == null) {
			link.passAnswer(frame);
			return;
		}
		switch (fault.kind()) {
			case LATE -> {
				this.relay.awaitEnd(fault.delay());
				link.passAnswer(frame);
			}
			case TOO_LARGE -> link.passAnswer(instead(frame, Message.bytes(this.maxMessageSize)));
			default -> link.passAnswer(instead(frame, new byte[] { MALFORMED }));
		}
	}

	/** A message with another payload, and the same number. */
	private static RawFrame instead(RawFrame answer, byte[] payload) {
		return RawFrame.of(Message.read(answer.body()).with(payload));
	}

}
