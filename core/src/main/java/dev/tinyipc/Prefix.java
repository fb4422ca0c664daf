package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.OptionalLong;

/**
 * What precedes a payload in a body: nothing, an {@link Envelope}, the tag of an
 * {@linkplain StreamItem part of a stream}, or both.
 */
@FunctionalInterface
interface Prefix {

	/** A bare payload. */
	Prefix NONE = (target, at) -> 0;

	/**
	 * Writes it.
	 * @param at where the body begins
	 * @return its size in bytes
	 */
	int write(ByteBuffer target, int at);

	/** Of a payload that is answered, or answers, by number. */
	static Prefix of(OptionalLong id) {
		return id.isPresent() ? (target, at) -> Envelope.write(target, at, id.getAsLong()) : NONE;
	}

	/** Of one or several elements of a streamed reply. */
	static Prefix of(OptionalLong id, StreamItem item) {
		Prefix envelope = of(id);
		return (target, at) -> {
			int size = envelope.write(target, at);
			return size + item.writeTag(target, at + size);
		};
	}

	/**
	 * The size of what precedes the payload, if it begins as most do.
	 * @param start the first bytes of the body, or all of it
	 * @return 0 for anything else
	 */
	static int size(ByteBuffer start) {
		int envelope = Envelope.prefixSize(start);
		return envelope + StreamItem.elementTagSize(start, start.position() + envelope);
	}

}
