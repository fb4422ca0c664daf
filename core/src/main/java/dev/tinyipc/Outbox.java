package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.List;
import java.util.OptionalLong;
import java.util.function.Consumer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.dataformat.cbor.CBORGenerator;

/** The sending side of an {@link IpcChannel}. */
final class Outbox {

	private final IpcSocket socket;

	private final FrameBuffer.Slot buffers;

	private final SharedBlocks blocks;

	private final Codec codec;

	/** The largest body, in bytes. */
	private final int maxSize;

	Outbox(IpcSocket socket, ChannelResources resources, Codec codec, int maxSize) {
		this.socket = socket;
		this.buffers = resources.outgoing();
		this.blocks = resources.blocks();
		this.codec = codec;
		this.maxSize = maxSize;
	}

	/**
	 * Sends one message.
	 * @param exchange whose request it is, if it is inspected; null otherwise
	 * @param prefix what precedes the payload
	 * @param deadline null for the socket's timeout
	 * @param lending of its blocks
	 * @return the size of the message on the wire, in bytes
	 */
	long send(@Nullable Exchange exchange, Prefix prefix, @Nullable Object payload, @Nullable Deadline deadline,
			BlockLending lending, OwnedFd... descriptors) throws IpcException {
		FrameBuffer frame = this.buffers.take();
		try (SharedBlocks.Filled filled = fill(lending)) {
			int prefixSize = prefix.write(frame.memory().bytes(), Frame.HEADER_SIZE);
			boolean isPut = filled != null && put(payload, frame, prefixSize, filled, descriptors.length);
			// The fast way never has all of the body in one place.
			if (!isPut && exchange == null && payload instanceof byte[] bytes
					&& this.codec.isPlainByteString(byte[].class)) {
				ByteString string = ByteString.of(bytes, frame, prefixSize);
				return sendFrame(string, string.bodySize(), descriptors, deadline);
			}
			if (!isPut) {
				encode(payload, frame.begin(this.maxSize, prefixSize), filled, descriptors.length);
			}
			if (frame.wantedBodySize() == prefixSize) {
				throw wroteNothing(payload);
			}
			if (exchange != null) {
				checkSize(frame.wantedBodySize());
				exchange.inspect(frame.body(prefixSize), (filled != null) ? filled.contents() : List.of(), descriptors);
			}
			return sendFrame(frame, frame.wantedBodySize(), filled, descriptors, deadline);
		}
		finally {
			frame.giveBack();
		}
	}

	/** Returns null if there may be none. */
	SharedBlocks.@Nullable Filled fill(BlockLending lending) {
		return (lending.maxSize() > 0) ? this.blocks.fill(lending) : null;
	}

	/** Writes a payload that is nothing but one large byte array into a block. */
	private boolean put(@Nullable Object payload, FrameBuffer frame, int prefixSize, SharedBlocks.Filled filled,
			int otherDescriptors) {
		if (!(payload instanceof byte[] bytes) || !this.codec.isPlainByteString(byte[].class)) {
			return false;
		}
		ByteBuffer block = BlockGenerator.prepare(filled, bytes.length, otherDescriptors);
		if (block == null) {
			return false;
		}
		block.put(0, bytes);
		int size = BlockReference.write(frame.memory().bytes(), Frame.HEADER_SIZE + prefixSize, otherDescriptors,
				bytes.length);
		frame.begin(this.maxSize, prefixSize + size);
		return true;
	}

	private void encode(@Nullable Object payload, FrameBuffer frame, SharedBlocks.@Nullable Filled filled,
			int otherDescriptors) {
		if (filled == null) {
			encode(payload, frame);
			return;
		}
		try (JsonGenerator generator = generator(frame)) {
			encode(payload, new BlockGenerator((CBORGenerator) generator, filled, otherDescriptors));
		}
	}

	private void encode(@Nullable Object payload, FrameBuffer frame) {
		ObjectWriter writer = TypedPayload.writer(payload, this.codec.mapper());
		if (writer != null) {
			writer.writeValue(frame, TypedPayload.value(payload));
		}
		else {
			this.codec.mapper().writeValue(frame, payload);
		}
	}

	/** As {@link #send} writes a payload, one of several. */
	void encode(@Nullable Object payload, JsonGenerator generator) {
		ObjectWriter writer = TypedPayload.writer(payload, this.codec.mapper());
		if (writer != null) {
			writer.writeValue(generator, TypedPayload.value(payload));
		}
		else {
			this.codec.mapper().writeValue(generator, payload);
		}
	}

	/** Writes several payloads, one behind the other. */
	JsonGenerator generator(FrameBuffer frame) {
		return this.codec.mapper().createGenerator(frame);
	}

	int maxSize() {
		return this.maxSize;
	}

	static IllegalArgumentException wroteNothing(@Nullable Object payload) {
		return new IllegalArgumentException(
				"The mapper wrote nothing for " + payload + ": a message has at least one byte");
	}

	/** In an {@link Envelope} if there is a number to write on it. */
	long sendNumbered(OptionalLong id, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		return send(null, Prefix.of(id), payload, null, BlockLending.NONE, descriptors);
	}

	long sendError(OptionalLong id, String type, String message) throws IpcException {
		return sendItem(Prefix.of(id), (frame) -> ErrorItem.write(type, message, frame), null);
	}

	/** Ends a streamed reply, in an {@link Envelope} if there is a number. */
	long sendEnd(OptionalLong id) throws IpcException {
		return sendItem(Prefix.of(id), StreamItem.END::write, null);
	}

	long sendCancel(Deadline deadline) throws IpcException {
		return sendItem(Prefix.NONE, StreamItem.CANCEL::write, deadline);
	}

	/** Says how many messages with elements were read. */
	long sendRead(int count, Deadline deadline) throws IpcException {
		return sendItem(Prefix.NONE, (frame) -> StreamItem.READ.write(frame, count), deadline);
	}

	/** Sends what this library itself writes. */
	long sendItem(Prefix prefix, Consumer<FrameBuffer> item, @Nullable Deadline deadline, OwnedFd... descriptors)
			throws IpcException {
		FrameBuffer frame = this.buffers.take();
		try {
			item.accept(frame.begin(this.maxSize, prefix.write(frame.memory().bytes(), Frame.HEADER_SIZE)));
			return sendFrame(frame, frame.wantedBodySize(), descriptors, deadline);
		}
		finally {
			frame.giveBack();
		}
	}

	/**
	 * Begins a message for several elements of a streamed reply.
	 * @param id the number of the request
	 * @param maxSize the largest body in bytes, if this end may send as much
	 * @param lent the blocks of elements that have to be sent alone
	 */
	ElementBatch batch(OptionalLong id, int maxSize, LentElements lent) throws IpcException {
		int inOnePacket = Math.min(this.socket.sender().maxPacketSize(), Frame.MAX_PACKET_SIZE) - Frame.HEADER_SIZE;
		return new ElementBatch(this, this.buffers, Prefix.of(id, StreamItem.ELEMENTS),
				Prefix.of(id, StreamItem.ELEMENT), Math.min(Math.min(maxSize, inOnePacket), this.maxSize), lent);
	}

	/** Sends a frame with blocks, if it has some. */
	long sendFrame(FrameWindow frame, long bodySize, SharedBlocks.@Nullable Filled filled, OwnedFd[] descriptors,
			@Nullable Deadline deadline) throws IpcException {
		OwnedFd[] all = descriptors;
		if (filled != null) {
			checkSize(bodySize);
			all = filled.descriptors(descriptors);
			filled.lend();
		}
		return sendFrame(frame, bodySize, all, deadline);
	}

	long sendFrame(FrameWindow frame, long bodySize, OwnedFd[] descriptors, @Nullable Deadline deadline)
			throws IpcException {
		checkSize(bodySize);
		Frame.send(this.socket.sender(), frame, (int) bodySize, descriptors, deadline);
		return Frame.HEADER_SIZE + bodySize;
	}

	void checkSize(long bodySize) throws IpcException {
		if (bodySize > this.maxSize) {
			throw new IpcException.MessageTooLarge("A message of " + bodySize + " bytes is over the limit of "
					+ this.maxSize
					+ ": raise the maximum message size on both sides, or send a descriptor of the data instead");
		}
	}

}
