package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * What the peer of a lane says about the reply that is due: how much of it was read, or
 * that nobody waits for it any more.
 */
final class Remarks {

	/** As it is on the wire, with a tag and a number of up to eight bytes. */
	private static final int MAX_SIZE = Frame.HEADER_SIZE + 18;

	/** Others wait for the thread that takes them. */
	private static final int MOST_AT_ONCE = 100;

	private final IpcChannel channel;

	private @Nullable NativeBuffer start;

	Remarks(IpcChannel channel) {
		this.channel = channel;
	}

	/**
	 * Takes what is there off the socket, without waiting. Malformed ones are ignored.
	 * @param exchange to be cancelled
	 * @param elements whose blocks were read; null if there are none
	 * @return the size of what comes after them; 0 for the end of the socket, less if
	 * nothing is known to
	 */
	int take(ServedExchange exchange, @Nullable ServedStream elements) throws IpcException {
		NativeBuffer start = (this.start != null) ? this.start : NativeBuffer.allocate(MAX_SIZE);
		this.start = start;
		for (int i = 0; i < MOST_AT_ONCE; i++) {
			start.bytes().clear();
			int size = this.channel.socket().receiver().peek(start).orElse(-1);
			if (!isWhole(start.bytes(), size)) {
				return size;
			}
			ByteBuffer body = start.bytes().position(Frame.HEADER_SIZE).limit(Math.min(size, MAX_SIZE));
			if (!StreamItem.CANCEL.begins(body) && !StreamItem.READ.begins(body)) {
				return size;
			}
			boolean isCancel = size <= MAX_SIZE && StreamItem.CANCEL.isIn(body);
			int read = (size <= MAX_SIZE) ? StreamItem.READ.numberIn(body) : -1;
			this.channel.drop(Deadline.in(Duration.ZERO), (dropped, packet) -> MessageFilter.Verdict.DROP);
			if (isCancel) {
				exchange.cancel();
			}
			if (read >= 0 && elements != null) {
				elements.read(read);
			}
		}
		return -1;
	}

	/** Whether a packet is a message, and not the beginning of a longer one. */
	private static boolean isWhole(ByteBuffer packet, int size) {
		return size > Frame.HEADER_SIZE && packet.getLong(0) == size - Frame.HEADER_SIZE;
	}

}
