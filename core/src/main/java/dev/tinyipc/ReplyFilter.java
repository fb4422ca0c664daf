package dev.tinyipc;

import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;

/**
 * Wants the reply to one exchange.
 *
 * @param ledger tells what a message answers; null if the next one is the reply, whatever
 * it is
 */
record ReplyFilter(Exchange exchange, @Nullable Ledger ledger) implements MessageFilter {

	@Override
	public Verdict judge(ByteBuffer body, Packet packet) throws IpcException {
		if (this.ledger == null) {
			this.exchange.answered();
			return Verdict.DELIVER;
		}
		return this.ledger.replyTo(this.exchange, body, packet);
	}

	@Override
	public void take(ReceivedElements elements) {
		this.exchange.take(elements);
	}

	@Override
	public void refers(ReceivedBlocks.Message blocks) {
		this.exchange.refers(blocks);
	}

}
