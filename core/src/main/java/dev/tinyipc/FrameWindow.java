package dev.tinyipc;

/**
 * Native memory through which a message passes. It holds the first packet first, and then
 * the whole message, or one part after the other. Offsets in the message are counted from
 * its header.
 */
interface FrameWindow {

	NativeBuffer memory();

	/**
	 * Brings the next part to send into the memory.
	 * @return its offset in the memory
	 */
	int bring(int from, int size);

	/** Prepares for a message of the given length, whose first part has arrived. */
	void expect(int length, int there);

	/** The offset in the memory where the next part is received. */
	int placeOf(int from);

	/** Called when a part has arrived there. */
	void take(int from, int size);

	/** Writes the next part to a ring that has room for it. */
	default void writeTo(MemoryRing ring, int from, int size) {
		ring.write(memory().bytes(), bring(from, size), size);
	}

	/** Reads the next part, after the first, from a ring where it is. */
	default void readFrom(MemoryRing ring, int from, int size) {
		ring.read(memory().bytes(), placeOf(from), size);
		take(from, size);
	}

}
