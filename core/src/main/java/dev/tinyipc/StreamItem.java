package dev.tinyipc;

import java.nio.ByteBuffer;

import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;

/**
 * The bodies that make up a streamed reply, and those that say something of it to the end
 * that sends it. Each is a tag around an item, an array of items, a number or null:
 *
 * <pre>
 * element    DA 49 50 53 47 item    CBOR tag 1230000967
 * elements   DA 49 50 53 4B array   CBOR tag 1230000971
 * end        DA 49 50 53 48 F6      CBOR tag 1230000968
 * cancel     DA 49 50 53 49 F6      CBOR tag 1230000969
 * read       DA 49 50 53 4D number  CBOR tag 1230000973
 * </pre>
 *
 * A peer may write the tags with longer heads, and put other tags around them.
 */
enum StreamItem {

	/** Not a part of a stream: a whole reply, for example. */
	NONE(0),

	/** One element of a streamed reply. */
	ELEMENT(1230000967),

	/** Several elements in one message, for a requester that has asked for them. */
	ELEMENTS(1230000971),

	/** The end of a streamed reply. */
	END(1230000968),

	/** Says that nobody waits for the reply any more. */
	CANCEL(1230000969),

	/** Says how many messages with elements were read. */
	READ(1230000973);

	private static final byte NULL = (byte) 0xf6;

	private static final byte TAG_IN_FOUR_BYTES = (byte) 0xda;

	private static final int TAG_SIZE = 5;

	private static final StreamItem[] PARTS = { ELEMENT, ELEMENTS, END };

	private final int tag;

	StreamItem(int tag) {
		this.tag = tag;
	}

	/**
	 * Finds out what an answer is, and leaves only what its tag encloses.
	 * @param body the payload of the answer, from its position to its limit
	 * @return any but {@link #CANCEL} and {@link #READ}
	 * @throws DatabindException if an end encloses anything but null
	 */
	static StreamItem open(ByteBuffer body) {
		if (!body.hasRemaining() || CborHead.type(body.get(body.position())) != CborHead.TAG) {
			return NONE;
		}
		StreamItem outermost = NONE;
		int content = body.limit() + 1;
		for (StreamItem item : PARTS) {
			int its = CborHead.contentOf(item.tag, body);
			if (its >= 0 && its < content) {
				outermost = item;
				content = its;
			}
		}
		if (outermost == END && !END.isIn(body)) {
			throw DatabindException.from((JsonParser) null,
					"The peer sent the end of a stream (CBOR tag " + END.tag + ") that is not around null");
		}
		if (outermost != NONE) {
			body.position(content);
		}
		return outermost;
	}

	/** Whether the reply goes on behind it. */
	boolean hasElements() {
		return this == ELEMENT || this == ELEMENTS;
	}

	/** Whether a body is a part of a streamed reply, well-formed or not. */
	static boolean isOne(ByteBuffer body) {
		return ELEMENT.begins(body) || ELEMENTS.begins(body) || END.begins(body);
	}

	/** Whether a body begins as this item does, well-formed or not. */
	boolean begins(ByteBuffer body) {
		return CborHead.contentOf(this.tag, body) >= 0;
	}

	/** Whether a body is this item around null. */
	boolean isIn(ByteBuffer body) {
		int content = CborHead.contentOf(this.tag, body);
		return content >= 0 && content == body.limit() - 1 && body.get(content) == NULL;
	}

	/** Writes this item around null. */
	void write(FrameBuffer target) {
		byte[] item = { TAG_IN_FOUR_BYTES, (byte) (this.tag >> 24), (byte) (this.tag >> 16), (byte) (this.tag >> 8),
				(byte) this.tag, NULL };
		target.write(item, 0, item.length);
	}

	/**
	 * The number that this item is around, if that is all there is.
	 * @return one of up to 31 bits, for larger ones too; -1 if there is none
	 */
	int numberIn(ByteBuffer body) {
		int content = CborHead.contentOf(this.tag, body);
		boolean isNumber = content >= 0 && CborHead.isAt(body, content)
				&& CborHead.type(body.get(content)) == CborHead.UNSIGNED
				&& content + CborHead.size(body.get(content)) == body.limit();
		if (!isNumber) {
			return -1;
		}
		long number = CborHead.argument(body, content);
		return (number < 0 || number > Integer.MAX_VALUE) ? Integer.MAX_VALUE : (int) number;
	}

	/** Writes this item around a number. */
	void write(FrameBuffer target, int number) {
		ByteBuffer item = ByteBuffer.allocate(2 * TAG_SIZE);
		int size = writeTag(item, 0);
		size += CborHead.write(item, size, CborHead.UNSIGNED, number);
		target.write(item.array(), 0, size);
	}

	/**
	 * Writes the tag alone.
	 * @return its size in bytes
	 */
	int writeTag(ByteBuffer target, int at) {
		return CborHead.write(target, at, CborHead.TAG, this.tag);
	}

	/** The size of the tag of elements as we write it; 0 if there is none. */
	static int elementTagSize(ByteBuffer start, int at) {
		boolean isTag = CborHead.isAt(start, at) && start.get(at) == TAG_IN_FOUR_BYTES;
		long tag = isTag ? CborHead.argument(start, at) : NONE.tag;
		return (tag == ELEMENT.tag || tag == ELEMENTS.tag) ? TAG_SIZE : 0;
	}

}
