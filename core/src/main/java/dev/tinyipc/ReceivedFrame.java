package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.util.ByteBufferBackedInputStream;
import tools.jackson.dataformat.cbor.CBORParser;

/**
 * A frame that was received whole, and is not decoded yet. Closing it drops it, with its
 * descriptors, unless they were handed on with a message.
 *
 * @param <T> what the body is expected to be
 */
final class ReceivedFrame<T> implements Closeable {

	private final FrameBuffer buffer;

	/** What was received piece by piece, as it was the byte string that was expected. */
	private final byte @Nullable [] byteString;

	/** Of a byte string that was expected only the envelope, if it has one. */
	private final ByteBuffer body;

	private final Packet packet;

	private final Codec codec;

	private final ReceivedBlocks blocks;

	/** 0 if no blocks are accepted. */
	private final int maxBlocksSize;

	private CborFinding proven = CborFinding.WELL_FORMED;

	private boolean handedOn;

	ReceivedFrame(FrameBuffer buffer, @Nullable ByteString expected, Packet packet, Codec codec, ReceivedBlocks blocks,
			int maxBlocksSize) {
		this.buffer = buffer;
		this.byteString = (expected != null) ? expected.content() : null;
		// Not a slice, which would cost an object.
		this.body = (this.byteString != null) ? expected.envelope()
				: buffer.memory().bytes().limit(Frame.HEADER_SIZE + packet.length()).position(Frame.HEADER_SIZE);
		this.packet = packet;
		this.codec = codec;
		this.blocks = blocks;
		this.maxBlocksSize = maxBlocksSize;
	}

	/**
	 * Looks over the body, and asks what to do with it. One that is refused may still be
	 * somebody's answer: what precedes its payload is looked at, and nothing else of it.
	 * @throws JacksonException if it is wanted, and refused
	 */
	MessageFilter.Verdict judge(MessageFilter filter, int maxItems) throws IpcException {
		JacksonException refused = null;
		if (this.byteString == null) {
			try {
				this.proven = this.codec.check(this.body, maxItems, this.buffer.check());
			}
			catch (JacksonException ex) {
				refused = ex;
				this.body.limit(this.body.position() + Prefix.size(this.body));
			}
		}
		MessageFilter.Verdict verdict = filter.judge(this.body, this.packet);
		if (refused != null && verdict != MessageFilter.Verdict.DROP) {
			throw refused;
		}
		return verdict;
	}

	/**
	 * Decodes the body.
	 * @param readers read what it is expected to be
	 * @param hasViews whether the payload may share memory with the peer until the
	 * message is closed
	 * @param filter is told if it refers to blocks
	 * @return the message, which the descriptors belong to from now on
	 * @throws IpcException.Remote if it is an error item, on a channel that talks CBOR
	 * @throws tools.jackson.core.JacksonException if it cannot be read
	 */
	@SuppressWarnings("unchecked") // T is byte[] where a byte string was expected
	IpcMessage<T> decode(Codec.Readers readers, boolean hasViews, MessageFilter filter) throws IpcException.Remote {
		if (mayHaveReferences()) {
			return decodeReferring(readers, hasViews, filter);
		}
		T payload = (this.byteString != null) ? (T) this.byteString : read(readers);
		this.handedOn = true;
		return new IpcMessage<>(payload, this.packet);
	}

	private boolean mayHaveReferences() {
		return this.maxBlocksSize > 0 && this.byteString == null && this.codec.takesBlocks()
				&& (this.proven != CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS || BlockReference.isIn(this.body));
	}

	private IpcMessage<T> decodeReferring(Codec.Readers readers, boolean hasViews, MessageFilter filter)
			throws IpcException.Remote {
		ReceivedBlocks.Message blocks = this.blocks.begin(this.maxBlocksSize);
		boolean isInUse = false;
		try {
			T payload = readReferring(readers, blocks, hasViews);
			Packet others = new Packet(this.packet.length(), blocks.others(this.packet.descriptors()));
			this.handedOn = true;
			isInUse = blocks.hasViews();
			return new IpcMessage<>(payload, others, blocks);
		}
		finally {
			if (!isInUse) {
				blocks.close();
			}
			filter.refers(blocks);
		}
	}

	private T readReferring(Codec.Readers readers, ReceivedBlocks.Message blocks, boolean hasViews)
			throws IpcException.Remote {
		throwErrorItem();
		ObjectReader reader = hasUniqueKeys() ? readers.trusting() : readers.strict();
		try (CBORParser cbor = (CBORParser) reader.createParser(new ByteBufferBackedInputStream(this.body))) {
			return reader.readValue(new BlockParser(cbor, blocks, this.packet.descriptors(), hasViews));
		}
		catch (ArithmeticException | IllegalArgumentException ex) {
			throw unreadable(ex);
		}
	}

	private void throwErrorItem() throws IpcException.Remote {
		if (this.codec.isCbor() && ErrorItem.isOne(this.body)) {
			throw ErrorItem.read(this.body, Frame.HEADER_SIZE + (long) this.packet.length());
		}
	}

	private T read(Codec.Readers readers) throws IpcException.Remote {
		try {
			throwErrorItem();
			return (isSmallAndPlain() && !readers.alone().get()) ? readSmall(readers) : readAlone(readers);
		}
		catch (ArithmeticException | IllegalArgumentException ex) {
			throw unreadable(ex);
		}
	}

	/** The tag of an envelope is not part of what is read. */
	private boolean isSmallAndPlain() {
		return this.proven == CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS
				&& this.body.remaining() <= SmallBodies.MAX_SIZE
				&& CborHead.type(this.body.get(this.body.position())) != CborHead.TAG;
	}

	private T readSmall(Codec.Readers readers) {
		int start = this.body.position();
		try {
			return this.buffer.smallBodies().read(this.body, readers, this.codec.mapper());
		}
		catch (SmallBodies.OutOfStep | RuntimeException ex) {
			this.body.position(start);
			T value = readAlone(readers);
			readers.alone().set(true); // it was only the parser's past
			return value;
		}
	}

	private T readAlone(Codec.Readers readers) {
		ObjectReader reader = hasUniqueKeys() ? readers.trusting() : readers.strict();
		return reader.readValue(new ByteBufferBackedInputStream(this.body));
	}

	private boolean hasUniqueKeys() {
		return this.proven != CborFinding.WELL_FORMED;
	}

	/** Jackson lets some of what its number parsers throw through. */
	static DatabindException unreadable(RuntimeException failure) {
		return DatabindException.from((JsonParser) null, "The body cannot be read: " + failure.getMessage(), failure);
	}

	/**
	 * Takes the elements out of the body, which is an array of them.
	 * @throws JacksonException if it is not, or has none
	 */
	ReceivedElements elements() {
		int overhead = Frame.HEADER_SIZE + this.packet.length() - this.body.remaining();
		return new ReceivedElements(this.codec, this.body, hasUniqueKeys(), overhead);
	}

	@Override
	public void close() {
		this.buffer.memory().bytes().clear();
		this.buffer.giveBack();
		if (!this.handedOn) {
			this.packet.close();
		}
	}

}
