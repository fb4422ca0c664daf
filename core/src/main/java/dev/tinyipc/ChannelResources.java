package dev.tinyipc;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;

/**
 * What all channels over one socket share, so that a channel costs nothing and need not
 * be closed: the buffers for frames, and the codec.
 */
final class ChannelResources implements SocketCompanion {

	private final FrameBuffer.Slot outgoing = new FrameBuffer.Slot();

	private final FrameBuffer.Slot incoming = new FrameBuffer.Slot();

	/** What this end writes. */
	private final SharedBlocks blocks = new SharedBlocks();

	/** What the peer writes. */
	private final ReceivedBlocks receivedBlocks = new ReceivedBlocks();

	private volatile @Nullable Codec codec;

	private ChannelResources() {
	}

	static ChannelResources of(IpcSocket socket) {
		return (ChannelResources) socket.companion().get(ChannelResources::new);
	}

	FrameBuffer.Slot outgoing() {
		return this.outgoing;
	}

	FrameBuffer.Slot incoming() {
		return this.incoming;
	}

	SharedBlocks blocks() {
		return this.blocks;
	}

	ReceivedBlocks receivedBlocks() {
		return this.receivedBlocks;
	}

	/** The codec for a mapper; it is kept until another mapper is used. */
	Codec codec(ObjectMapper mapper) {
		Codec last = this.codec;
		if (last == null || last.mapper() != mapper) {
			last = new Codec(mapper);
			this.codec = last;
		}
		return last;
	}

	@Override
	public void socketClosed() {
		this.outgoing.close();
		this.incoming.close();
		this.blocks.close();
		this.receivedBlocks.close();
	}

}
