package dev.tinyipc;

import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.List;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.TokenStreamContext;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectReader;

/**
 * Elements of a streamed reply that came in one message, and of which each is decoded
 * when it is wanted.
 */
final class ReceivedElements {

	private static final Packet NO_DESCRIPTORS = new Packet(0, List.of());

	private static final byte BREAK = (byte) 0xff;

	private final Codec codec;

	private final boolean hasUniqueKeys;

	/** The array. */
	private final ByteBuffer body;

	/** Where the next element begins. */
	private int at;

	/** How many there are; less than 0 if the array ends with a break. */
	private long left;

	/** What the message has besides elements, in bytes: counted with the first. */
	private int overhead;

	private @Nullable JsonParser parser;

	/** The offset that the parser has for the beginning of the array. */
	private long parserStart;

	private @Nullable Type type;

	private @Nullable ObjectReader reader;

	/**
	 * Copies the elements out of a message.
	 * @param message the array, which was checked
	 * @param hasUniqueKeys whether no map in it has a key twice
	 * @param overhead the size of the rest of the message, in bytes
	 * @throws DatabindException if it is no array, or an empty one
	 */
	ReceivedElements(Codec codec, ByteBuffer message, boolean hasUniqueKeys, int overhead) {
		this.codec = codec;
		this.hasUniqueKeys = hasUniqueKeys;
		this.body = ByteBuffer.allocate(message.remaining());
		message.get(message.position(), this.body.array());
		boolean isArray = this.body.hasRemaining() && CborHead.type(this.body.get(0)) == CborHead.ARRAY;
		if (isArray) {
			boolean counted = CborHead.isAt(this.body, 0);
			this.at = CborHead.size(this.body.get(0));
			this.left = counted ? CborHead.argument(this.body, 0) : -1;
		}
		if (isEmpty()) {
			throw DatabindException.from((JsonParser) null,
					"The peer sent elements of a stream that are not in an array, or an array that has none");
		}
		this.overhead = overhead + this.at;
	}

	boolean isEmpty() {
		return this.at >= this.body.limit() || this.left == 0 || (this.left < 0 && this.body.get(this.at) == BREAK);
	}

	/**
	 * Decodes the next element.
	 * @throws tools.jackson.core.JacksonException if it cannot be read; the next one can
	 */
	<T> IpcMessage<T> next(Type type) {
		int start = this.at;
		this.left--;
		T payload;
		try {
			ObjectReader reader = readerOf(type);
			try {
				payload = inStep(reader);
			}
			catch (OutOfStep | JacksonException ex) {
				payload = alone(reader);
			}
		}
		catch (ArithmeticException | IllegalArgumentException ex) {
			throw ReceivedFrame.unreadable(ex);
		}
		finally {
			if (this.at == start) {
				this.parser = null;
				this.at = endOf(start);
			}
		}
		return new IpcMessage<>(payload, NO_DESCRIPTORS, this.at - start + takeOverhead());
	}

	/**
	 * Decodes an element with the parser of all of them.
	 * @throws OutOfStep if the parser is not behind the element then, because its
	 * deserializer reads less or more than one item
	 */
	private <T> T inStep(ObjectReader reader) throws OutOfStep {
		JsonParser parser = parser(reader);
		int next = parser.streamReadContext().getEntryCount() + 1;
		parser.nextToken();
		T payload = reader.readValue(parser);
		parser.finishToken();
		TokenStreamContext context = parser.streamReadContext();
		if (this.codec.isCbor() && !(context.inRoot() && context.getEntryCount() == next)) {
			throw new OutOfStep();
		}
		this.at = (int) (parser.currentLocation().getByteOffset() - this.parserStart);
		return payload;
	}

	/** Decodes an element as if it were in a message of its own. */
	private <T> T alone(ObjectReader reader) {
		this.parser = null;
		int start = this.at;
		int end = endOf(start);
		this.at = end;
		return reader.with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
			.readValue(this.body.array(), start, end - start);
	}

	private int endOf(int start) {
		return this.codec.isCbor() ? CborCheck.endOf(this.body, start) : this.body.limit();
	}

	private ObjectReader readerOf(Type type) {
		ObjectReader known = this.reader;
		if (known != null && type.equals(this.type)) {
			return known;
		}
		Codec.Readers readers = this.codec.readers(type);
		ObjectReader reader = (this.hasUniqueKeys ? readers.trusting() : readers.strict())
			.without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS);
		this.type = type;
		this.reader = reader;
		return reader;
	}

	private JsonParser parser(ObjectReader reader) {
		JsonParser existing = this.parser;
		if (existing != null) {
			return existing;
		}
		JsonParser opened = reader.createParser(this.body.array(), this.at, this.body.limit() - this.at);
		this.parserStart = opened.currentLocation().getByteOffset() - this.at;
		this.parser = opened;
		return opened;
	}

	private int takeOverhead() {
		int taken = this.overhead;
		this.overhead = 0;
		return taken;
	}

	/** The parser is not where the next element begins. */
	private static final class OutOfStep extends Exception {

		OutOfStep() {
			super(null, null, false, false);
		}

	}

}
