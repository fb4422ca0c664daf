package dev.tinyipc;

import java.io.InputStream;
import java.io.OutputStream;
import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.ObjectReadContext;
import tools.jackson.core.StreamReadConstraints;
import tools.jackson.databind.ObjectMapper;

/**
 * Reads small bodies, one after the other, with one parser, which would otherwise be most
 * of what it takes to read one. A parser keeps little from one item to the next:
 * <ul>
 * <li>namespaces of texts that are referred to, and tags: a body with tags is read
 * alone;</li>
 * <li>the names that it has seen, some of which a peer may have made up: after a while
 * there is a new parser;</li>
 * <li>the values that it has read last: it goes with the next garbage collection;</li>
 * <li>its place: if it is not behind the body afterwards, or if an exception is thrown,
 * the body is read again by a parser of its own, which says what is wrong and where.</li>
 * </ul>
 * It knows of no mapper, so that nothing that a deserializer has read by way of the
 * parser, such as an object with an identity, is known to the next.
 */
final class SmallBodies extends InputStream {

	/** In bytes. To a larger one a parser of its own makes no difference. */
	static final int MAX_SIZE = 4096;

	/** Bodies for one parser. */
	static final int MAX_USES = 256;

	private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

	private static final OutputStream NOWHERE = OutputStream.nullOutputStream();

	private final Codec.Readers readers;

	private final JsonParser parser;

	private ByteBuffer body;

	private int uses;

	private SmallBodies(ObjectMapper mapper, Codec.Readers readers, ByteBuffer first) {
		this.readers = readers;
		this.body = first;
		ObjectReadContext features;
		try (JsonParser empty = readers.one().createParser(new byte[0])) {
			features = empty.objectReadContext();
		}
		StreamReadConstraints constraints = mapper.tokenStreamFactory().streamReadConstraints();
		this.parser = mapper.tokenStreamFactory().createParser(new ObjectReadContext.Base() {

			@Override
			public StreamReadConstraints streamReadConstraints() {
				return constraints;
			}

			@Override
			public int getStreamReadFeatures(int defaults) {
				return features.getStreamReadFeatures(defaults);
			}

			@Override
			public int getFormatReadFeatures(int defaults) {
				return features.getFormatReadFeatures(defaults);
			}

		}, this);
	}

	@Override
	public int read() {
		return this.body.hasRemaining() ? this.body.get() & 0xff : -1;
	}

	@Override
	public int read(byte[] target, int offset, int length) {
		int count = Math.min(length, this.body.remaining());
		if (count == 0) {
			return -1;
		}
		this.body.get(target, offset, count);
		return count;
	}

	private boolean isBehindBody() {
		return !this.body.hasRemaining() && !this.parser.isClosed() && this.parser.streamReadInputSource() == this
				&& this.parser.streamReadContext().inRoot() && this.parser.releaseBuffered(NOWHERE) == 0;
	}

	/** Keeps a parser as long as there is memory to spare. */
	static final class Kept {

		private WeakReference<@Nullable SmallBodies> last = new WeakReference<>(null);

		/**
		 * Reads a body, from its position to its limit, of which it is proven that it is
		 * one item without tags.
		 */
		<T extends @Nullable Object> T read(ByteBuffer body, Codec.Readers readers, ObjectMapper mapper)
				throws OutOfStep {
			SmallBodies bodies = begin(body, readers, mapper);
			boolean inStep = false;
			try {
				T value = readers.one().readValue(bodies.parser);
				inStep = bodies.isBehindBody();
				if (!inStep) {
					throw OutOfStep.INSTANCE;
				}
				return value;
			}
			finally {
				bodies.body = NOTHING; // its memory is used again, or freed
				if (!inStep || ++bodies.uses == MAX_USES) {
					this.last.clear();
					bodies.parser.close(); // its buffers are used again
				}
			}
		}

		private SmallBodies begin(ByteBuffer body, Codec.Readers readers, ObjectMapper mapper) {
			SmallBodies known = this.last.get();
			if (known != null && known.readers == readers) {
				known.body = body;
				return known;
			}
			if (known != null) {
				known.parser.close();
			}
			SmallBodies bodies = new SmallBodies(mapper, readers, body);
			this.last = new WeakReference<>(bodies);
			return bodies;
		}

	}

	/** The parser is not where the next body begins. */
	static final class OutOfStep extends Exception {

		private static final OutOfStep INSTANCE = new OutOfStep();

		private OutOfStep() {
			super(null, null, false, false);
		}

	}

}
