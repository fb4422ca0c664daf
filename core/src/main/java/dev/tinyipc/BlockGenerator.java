package dev.tinyipc;

import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.Base64Variant;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.exc.JacksonIOException;
import tools.jackson.core.util.JsonGeneratorDelegate;
import tools.jackson.dataformat.cbor.CBORGenerator;

/**
 * Writes CBOR, and puts large byte strings into blocks, wherever they are in the payload.
 */
final class BlockGenerator extends JsonGeneratorDelegate {

	private final SharedBlocks.Filled blocks;

	/** Those of the application, which come first. */
	private final int otherDescriptors;

	BlockGenerator(CBORGenerator generator, SharedBlocks.Filled blocks, int otherDescriptors) {
		super(generator, false); // or what is copied would not be written by this one
		this.blocks = blocks;
		this.otherDescriptors = otherDescriptors;
	}

	/**
	 * Takes a block for data, to which a reference is then written.
	 * @return to be filled; null if it is not worth that, or there is no room
	 */
	static @Nullable ByteBuffer prepare(SharedBlocks.Filled blocks, int length, int otherDescriptors) {
		return (length >= SharedBlocks.THRESHOLD) ? blocks.prepare(length, MsgHdr.MAX_DESCRIPTORS - otherDescriptors)
				: null;
	}

	@Override
	public JsonGenerator writeBinary(Base64Variant variant, byte[] data, int offset, int length) {
		ByteBuffer block = prepare(this.blocks, length, this.otherDescriptors);
		if (block == null) {
			return super.writeBinary(variant, data, offset, length);
		}
		block.put(0, data, offset, length);
		writeReference(length);
		return this;
	}

	@Override
	public int writeBinary(Base64Variant variant, InputStream data, int length) {
		ByteBuffer block = prepare(this.blocks, length, this.otherDescriptors);
		if (block == null) {
			return super.writeBinary(variant, data, length);
		}
		try {
			byte[] part = new byte[64 * 1024];
			while (block.hasRemaining()) {
				int size = data.read(part, 0, Math.min(part.length, block.remaining()));
				if (size < 0) {
					throw _constructWriteException("Too few bytes available: missing %d bytes (out of %d)",
							block.remaining(), length);
				}
				block.put(part, 0, size);
			}
		}
		catch (IOException ex) {
			throw JacksonIOException.construct(ex, this);
		}
		writeReference(length);
		return length;
	}

	private void writeReference(int length) {
		CBORGenerator cbor = (CBORGenerator) this.delegate;
		cbor.writeTag(BlockReference.TAG);
		cbor.writeStartArray(this, BlockReference.NUMBERS);
		cbor.writeNumber(this.otherDescriptors + this.blocks.count() - 1);
		cbor.writeNumber(0);
		cbor.writeNumber(length);
		cbor.writeEndArray();
	}

}
