package dev.tinyipc;

import java.io.OutputStream;
import java.lang.ref.WeakReference;
import java.lang.reflect.Type;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Supplier;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamReadFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.dataformat.cbor.CBORFactory;
import tools.jackson.dataformat.cbor.CBORGenerator;
import tools.jackson.dataformat.cbor.CBORMapper;
import tools.jackson.dataformat.cbor.CBORParser;

/**
 * A mapper, and what is worked out for it once and not for each message. A socket keeps
 * the last one for the channels that come and go over it.
 */
final class Codec {

	private static WeakReference<CBORMapper> shared = new WeakReference<>(null);

	private final ObjectMapper mapper;

	private final Readers untyped;

	private final Map<Type, Readers> byType = new ConcurrentHashMap<>();

	private final boolean cbor;

	private final int maxDepth;

	private volatile @Nullable Boolean plainByteStrings;

	private volatile @Nullable Boolean takesBlocks;

	/**
	 * Works it out.
	 * @throws IllegalArgumentException if default typing is active: the peer could choose
	 * classes of this process's to be made
	 */
	Codec(ObjectMapper mapper) {
		if (mapper.deserializationConfig().getDefaultTyper(mapper.constructType(Object.class)) != null) {
			throw new IllegalArgumentException("Default typing is active in the mapper, so that a peer could choose"
					+ " which classes are made here: build one without activateDefaultTyping");
		}
		this.mapper = mapper;
		// What follows the item would be lost without a word, as would a first value.
		ObjectReader strict = mapper.reader()
			.with(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
			.with(StreamReadFeature.STRICT_DUPLICATE_DETECTION);
		this.untyped = new Readers(strict, strict.without(StreamReadFeature.STRICT_DUPLICATE_DETECTION));
		this.cbor = CBORFactory.FORMAT_NAME.equals(format());
		this.maxDepth = mapper.tokenStreamFactory().streamReadConstraints().getMaxNestingDepth();
	}

	/** For what this library itself reads and writes, and no type of the user's. */
	static Codec cbor() {
		return Own.CBOR;
	}

	/**
	 * For channels whose user has chosen no mapper. A mapper keeps all types that it has
	 * read or written, and with them their class loaders, so only the sockets that use
	 * this one keep it.
	 */
	static synchronized CBORMapper sharedMapper() {
		CBORMapper mapper = shared.get();
		if (mapper == null) {
			mapper = IpcChannel.mapperBuilder().build();
			shared = new WeakReference<>(mapper);
		}
		return mapper;
	}

	ObjectMapper mapper() {
		return this.mapper;
	}

	boolean isCbor() {
		return this.cbor;
	}

	/**
	 * Whether the mapper makes a byte string of a byte array and the other way round, and
	 * nothing else: then nothing is lost if it is not asked.
	 */
	boolean isPlainByteString(Type type) {
		if (type != byte[].class) {
			return false;
		}
		Boolean known = this.plainByteStrings;
		if (known == null) {
			known = hasPlainByteStrings();
			this.plainByteStrings = known;
		}
		return known;
	}

	/**
	 * Whether references to blocks can be written and read: not if the mapper's factory
	 * puts something else around its generators or parsers.
	 */
	boolean takesBlocks() {
		Boolean known = this.takesBlocks;
		if (known == null) {
			try (JsonParser parser = this.mapper.createParser(new byte[0]);
					JsonGenerator generator = this.mapper.createGenerator(OutputStream.nullOutputStream())) {
				known = parser instanceof CBORParser && generator instanceof CBORGenerator;
			}
			this.takesBlocks = known;
		}
		return known;
	}

	/** A module may do anything with byte arrays, so it is tried. */
	private boolean hasPlainByteStrings() {
		byte[] content = { 7 };
		byte[] item = { 0x41, 7 };
		try {
			return this.cbor && Arrays.equals(this.mapper.writeValueAsBytes(content), item)
					&& Arrays.equals((byte[]) reader(byte[].class).readValue(item), content);
		}
		catch (JacksonException | ClassCastException ex) {
			return false; // and whoever sends one gets to know why
		}
	}

	/**
	 * Refuses a body that would take much more to be read than its size suggests. Other
	 * formats than CBOR have the limits of their mapper only.
	 * @param maxItems how many data items there may be, on all levels together
	 * @param check looks at it
	 * @return what is proven
	 */
	CborFinding check(ByteBuffer body, int maxItems, CborCheck check) {
		return this.cbor ? check.check(body, this.maxDepth, maxItems) : CborFinding.WELL_FORMED;
	}

	/** Such as {@code CBOR}. */
	String format() {
		return this.mapper.tokenStreamFactory().getFormatName();
	}

	/** Which refuses a key that is there twice. */
	ObjectReader reader(Class<?> type) {
		return readers(type).strict();
	}

	Readers readers(Type type) {
		Readers known = this.byType.get(type);
		return (known != null) ? known
				: this.byType.computeIfAbsent(type, (wanted) -> (wanted instanceof NamedTypes names)
						? this.untyped.forNames(names) : this.untyped.forType(this.mapper.constructType(wanted)));
	}

	/**
	 * The readers for one type.
	 *
	 * @param strict refuses a key that is there twice, and takes its time to find it
	 * @param trusting for bodies of which it is proven that they have no such key
	 * @param one reads one item of those that it is given, and trusts it
	 * @param alone whether no parser may read one body after the other as this type
	 */
	record Readers(ObjectReader strict, ObjectReader trusting, ObjectReader one,
			AtomicBoolean alone) implements Supplier<Readers> {

		private Readers(ObjectReader strict, ObjectReader trusting) {
			this(strict, trusting, trusting.without(DeserializationFeature.FAIL_ON_TRAILING_TOKENS),
					new AtomicBoolean());
		}

		/** Itself, where a choice of readers is wanted. */
		@Override
		public Readers get() {
			return this;
		}

		private Readers forType(JavaType type) {
			return new Readers(this.strict.forType(type), this.trusting.forType(type));
		}

		private Readers forNames(NamedTypes names) {
			return new Readers(forNames(this.strict, names), forNames(this.trusting, names));
		}

		private static ObjectReader forNames(ObjectReader reader, NamedTypes names) {
			return reader.forType(NamedValues.class).withAttribute(NamedTypes.class, names);
		}

	}

	/** Not made before it is needed. */
	private static final class Own {

		static final Codec CBOR = new Codec(new CBORMapper());

	}

}
