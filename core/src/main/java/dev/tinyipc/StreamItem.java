package dev.tinyipc;

import java.nio.ByteBuffer;

import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;

/**
 * The bodies that make up a streamed reply, and the one that cancels a request. Each is a
 * tag around an item, or around null:
 *
 * <pre>
 * element   DA 49 50 53 47 item   CBOR tag 1230000967
 * end       DA 49 50 53 48 F6     CBOR tag 1230000968
 * cancel    DA 49 50 53 49 F6     CBOR tag 1230000969
 * </pre>
 *
 * A peer may write the tags with longer heads, and put other tags around them.
 */
enum StreamItem {

	/** Not a part of a stream: a whole reply, for example. */
	NONE(0),

	/** One element of a streamed reply. */
	ELEMENT(1230000967),

	/** The end of a streamed reply. */
	END(1230000968),

	/** Says that nobody waits for the reply any more. */
	CANCEL(1230000969);

	private static final byte NULL = (byte) 0xf6;

	private static final byte TAG_IN_FOUR_BYTES = (byte) 0xda;

	private static final int TAG_SIZE = 5;

	private final int tag;

	StreamItem(int tag) {
		this.tag = tag;
	}

	/**
	 * Finds out what an answer is, and leaves only the element of one.
	 * @param body the payload of the answer, from its position to its limit
	 * @return one of the first three
	 * @throws DatabindException if an end encloses anything but null
	 */
	static StreamItem open(ByteBuffer body) {
		if (!body.hasRemaining() || CborHead.type(body.get(body.position())) != CborHead.TAG) {
			return NONE;
		}
		int element = CborHead.contentOf(ELEMENT.tag, body);
		int end = CborHead.contentOf(END.tag, body);
		if (element >= 0 && (end < 0 || element < end)) {
			body.position(element);
			return ELEMENT;
		}
		if (end < 0) {
			return NONE;
		}
		if (!END.isIn(body)) {
			throw DatabindException.from((JsonParser) null,
					"The peer sent the end of a stream (CBOR tag " + END.tag + ") that is not around null");
		}
		return END;
	}

	/** Whether a body is an element or an end, well-formed or not. */
	static boolean isOne(ByteBuffer body) {
		return ELEMENT.begins(body) || END.begins(body);
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

	static int writeElementTag(ByteBuffer target, int at) {
		return CborHead.write(target, at, CborHead.TAG, ELEMENT.tag);
	}

	/** The size of the tag of an element as we write it; 0 if there is none. */
	static int elementTagSize(ByteBuffer start, int at) {
		boolean isThere = CborHead.isAt(start, at) && start.get(at) == TAG_IN_FOUR_BYTES
				&& CborHead.argument(start, at) == ELEMENT.tag;
		return isThere ? TAG_SIZE : 0;
	}

}
