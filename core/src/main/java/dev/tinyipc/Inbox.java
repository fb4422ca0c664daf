package dev.tinyipc;

import java.util.List;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;

/** The receiving side of an {@link IpcChannel}. */
final class Inbox {

	private final IpcSocket socket;

	private final ChannelResources resources;

	private final Codec codec;

	/** The largest body, in bytes. */
	private final int maxSize;

	private final int maxItems;

	private final int maxBlocksSize;

	Inbox(IpcSocket socket, ChannelResources resources, Codec codec, ChannelLimits limits) {
		this.socket = socket;
		this.resources = resources;
		this.codec = codec;
		this.maxSize = limits.maxMessageSize();
		this.maxItems = limits.maxItems();
		this.maxBlocksSize = limits.maxBlocksSize();
	}

	int maxItems() {
		return this.maxItems;
	}

	/**
	 * Receives the first message that is wanted, and drops those before it.
	 * @param readers read the payload; asked once the filter has seen the message
	 * @param isBytes whether a byte array is expected
	 * @param hasViews whether the payload may share memory with the peer until the
	 * message is closed
	 * @param deadline how long this may wait for its turn and for the whole message; null
	 * for the socket's timeout
	 * @return null if the peer closed its end, or the filter ended this or was given
	 * several elements
	 */
	<T> @Nullable IpcMessage<T> receive(Supplier<Codec.Readers> readers, boolean isBytes, boolean hasViews,
			@Nullable Deadline deadline, MessageFilter filter) throws IpcException {
		while (true) {
			try (ReceivedFrame<T> frame = take(isBytes, true, deadline)) {
				MessageFilter.Verdict verdict = (frame != null) ? frame.judge(filter, this.maxItems)
						: MessageFilter.Verdict.END;
				switch (verdict) {
					case DELIVER -> {
						return frame.decode(readers.get(), hasViews, filter);
					}
					case END -> {
						return null;
					}
					case GIVE -> {
						filter.take(frame.elements());
						return null;
					}
					case DROP -> {
						// The next one may be wanted.
					}
				}
			}
			catch (DroppedMessage ex) {
				if (judge(ex, filter) != MessageFilter.Verdict.DROP) {
					throw ex;
				}
			}
		}
	}

	/**
	 * Drops the next message, if one is there, with its descriptors.
	 * @param deadline how long this may wait for the rest of a message that has begun
	 * @param filter sees the message first
	 */
	void drop(Deadline deadline, MessageFilter filter) throws IpcException {
		try (ReceivedFrame<Object> frame = take(false, false, deadline)) {
			if (frame != null) {
				frame.judge(filter, this.maxItems);
			}
		}
		catch (DroppedMessage ex) {
			judge(ex, filter);
		}
	}

	private static MessageFilter.Verdict judge(DroppedMessage dropped, MessageFilter filter) throws IpcException {
		return filter.judge(dropped.envelope(), new Packet(0, List.of()));
	}

	private <T> @Nullable ReceivedFrame<T> take(boolean isBytes, boolean waits, @Nullable Deadline deadline)
			throws IpcException {
		SocketReceiver receiver = this.socket.receiver();
		FrameBuffer buffer = this.resources.incoming().take();
		ReceivedFrame<T> frame = null;
		try {
			ByteString string = isBytes ? ByteString.expectedIn(buffer) : null;
			FrameWindow window = (string != null) ? string : buffer;
			Packet packet = waits ? Frame.receive(receiver, window, this.maxSize, deadline)
					: Frame.tryReceive(receiver, window, this.maxSize, deadline);
			if (packet != null) {
				frame = new ReceivedFrame<>(buffer, string, packet, this.codec, this.resources.receivedBlocks(),
						this.maxBlocksSize);
			}
			return frame;
		}
		finally {
			if (frame == null) {
				buffer.giveBack();
			}
		}
	}

}
