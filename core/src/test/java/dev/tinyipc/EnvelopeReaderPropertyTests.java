package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.Map;
import java.util.OptionalLong;
import java.util.Random;

import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tools.jackson.core.JacksonException;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The reader of usual envelopes and the parser agree on whatever both can read, for many
 * bodies that are the same each time.
 */
@Timeout(120)
class EnvelopeReaderPropertyTests {

	private static final int BODIES = 4000;

	private static final String[] TEXTS = { "", "a", "id", "scale", "größer", "deadline-ms", "€😀", "x".repeat(300) };

	/** A text, tags around numbers, an element, an end, an error item, and so on. */
	private static final String[] PAYLOADS = { "63616263", "c100", "d9d9f7c1fb3ff8000000000000", "da4950534701",
			"da49505348f6", "da49505345a264747970656178676d65737361676560", "9f01ff", "bf616101ff",
			"7f616162" + "6263ff", "5f4101ff", "f6", "c249010000000000000000", "a16161820102", "1bffffffffffffffff" };

	private Random random = new Random();

	private final ByteArrayOutputStream body = new ByteArrayOutputStream();

	@ParameterizedTest
	@ValueSource(longs = { 1, 2, 3, 4 })
	void bothReadTheSame(long seed) {
		this.random = new Random(seed);
		int usual = 0;
		int refused = 0;
		for (int i = 0; i < BODIES; i++) {
			byte[] envelope = envelope();
			ByteBuffer body = ByteBuffer.wrap(envelope);
			try {
				Codec.cbor().check(body.duplicate(), 1000, new CborCheck());
			}
			catch (JacksonException ex) {
				continue; // nobody reads more than the number then
			}
			Envelope fast = EnvelopeReader.readUsual(body);
			assertThatAnswersAreOpenedAlike(body.duplicate(), fast);
			Object slow = parsed(body);
			if (fast != null) {
				usual++;
				assertThat((Object) fast).as(HexFormat.of().formatHex(envelope)).isEqualTo(slow);
			}
			else if (slow instanceof String) {
				refused++;
			}
		}
		assertThat(usual).isGreaterThan(BODIES / 10);
		assertThat(refused).isGreaterThan(BODIES / 50);
	}

	private static void assertThatAnswersAreOpenedAlike(ByteBuffer body, @Nullable Envelope expected) {
		long id = Envelope.openAnswer(body);
		if (id == 0) {
			assertThat(body.position()).isZero();
		}
		else {
			assertThat(expected)
				.isEqualTo(new Envelope(OptionalLong.of(id), null, Map.of(), body.position(), body.limit()));
		}
	}

	@Test
	void numberOfAnAnswerIsReadAsItIsWritten() {
		for (long id : new long[] { 1, 255, Long.MAX_VALUE, -1, Long.MIN_VALUE }) {
			for (int cut = 0; cut <= Envelope.PREFIX_SIZE; cut++) {
				ByteBuffer body = ByteBuffer.allocate(Envelope.PREFIX_SIZE + 2);
				assertThat(Envelope.write(body, 1, id)).isEqualTo(Envelope.PREFIX_SIZE);
				body.position(1).limit(1 + cut);
				assertThat(Envelope.openAnswer(body)).isEqualTo((cut == Envelope.PREFIX_SIZE) ? id : 0);
				assertThat(body.remaining()).isEqualTo((cut == Envelope.PREFIX_SIZE) ? 0 : cut);
			}
		}
	}

	/** What the parser makes of it, past the reader, as the tag has another head. */
	private static Object parsed(ByteBuffer body) {
		ByteBuffer other = ByteBuffer.allocate(body.remaining() + 4);
		other.put((byte) 0xdb).putInt(0).put(body.slice(1, body.remaining() - 1)).flip();
		try {
			@Nullable Envelope envelope = Envelope.read(other);
			assertThat(envelope).isNotNull();
			return new Envelope(envelope.id(), envelope.method(), envelope.headers(), envelope.start() - 4,
					envelope.end() - 4);
		}
		catch (JacksonException ex) {
			return "refused: " + ex.getOriginalMessage();
		}
	}

	/** Nobody has counted the items of a body that is refused because it has too many. */
	@Test
	void largeNumbersOfHeadersAreLeftToTheParser() {
		for (int count : new int[] { 65, 256, 257, 100_000 }) {
			ByteArrayOutputStream body = this.body;
			body.reset();
			body.writeBytes(HexFormat.of().parseHex("da49505346a2"));
			text("headers");
			head(CborHead.MAP, count);
			for (int i = 0; i < count; i++) {
				text("name " + i);
				text("");
			}
			text("payload");
			body.write(0xf6);
			Envelope usual = EnvelopeReader.readUsual(ByteBuffer.wrap(body.toByteArray()));
			assertThat(usual != null).isEqualTo(count <= 256);
			assertThat(Envelope.read(ByteBuffer.wrap(body.toByteArray())).headers()).hasSize(count);
		}
	}

	/** Cut off anywhere, it is not misread: of a first packet only a part is there. */
	@ParameterizedTest
	@ValueSource(longs = { 5, 6 })
	void partOfAnEnvelopeIsReadLikeTheWholeOrNotAtAll(long seed) {
		this.random = new Random(seed);
		for (int i = 0; i < 500; i++) {
			byte[] envelope = envelope();
			Envelope whole = EnvelopeReader.readUsual(ByteBuffer.wrap(envelope));
			for (int size = 0; size < envelope.length; size++) {
				Envelope part = EnvelopeReader.readUsual(ByteBuffer.wrap(envelope, 0, size));
				if (part != null) {
					assertThat(whole).isNotNull();
					assertThat(part)
						.isEqualTo(new Envelope(whole.id(), whole.method(), whole.headers(), whole.start(), size));
				}
			}
		}
	}

	/** No bytes make the readers fail in any other way than they may. */
	@ParameterizedTest
	@ValueSource(longs = { 7, 8 })
	void anyBodyIsReadOrRefused(long seed) {
		this.random = new Random(seed);
		for (int i = 0; i < BODIES; i++) {
			byte[] script = new byte[100];
			this.random.nextBytes(script);
			byte[] content = this.random.nextBoolean() ? envelope() : CborGenerator.body(new FuzzPeer.Script(script));
			int[] tags = { 0x47, 0x48, 0x49, 0x4a };
			byte[] tagged = ByteBuffer.allocate(content.length + 5)
				.put(new byte[] { (byte) 0xda, 0x49, 0x50, 0x53, (byte) tags[this.random.nextInt(4)] })
				.put(content)
				.array();
			for (byte[] bytes : new byte[][] { content, tagged, Arrays.copyOf(tagged, tagged.length / 2) }) {
				readAll(bytes);
			}
		}
	}

	private static void readAll(byte[] bytes) {
		try {
			Codec.cbor().check(ByteBuffer.wrap(bytes), 1000, new CborCheck());
			StreamItem item = StreamItem.open(ByteBuffer.wrap(bytes));
			assertThat(item).isNotEqualTo(StreamItem.CANCEL);
			assertThat(StreamItem.isOne(ByteBuffer.wrap(bytes))).isEqualTo(item != StreamItem.NONE);
			if (IpcHello.isOne(ByteBuffer.wrap(bytes))) {
				assertThat(IpcHello.read(ByteBuffer.wrap(bytes)).lanes()).isPositive();
			}
			Envelope.open(ByteBuffer.wrap(bytes));
		}
		catch (JacksonException ex) {
			// refused
		}
		// Of a body that was refused this is read all the same.
		assertThat(Prefix.size(ByteBuffer.wrap(bytes))).isBetween(0, bytes.length);
	}

	private byte[] envelope() {
		this.body.reset();
		this.body.writeBytes(new byte[] { (byte) 0xda, 0x49, 0x50, 0x53, 0x46 });
		int count = this.random.nextInt(5);
		head(CborHead.MAP, count);
		for (int i = 1; i <= count; i++) {
			entry((i == count && this.random.nextInt(8) > 0) ? 0 : this.random.nextInt(8));
		}
		byte[] whole = this.body.toByteArray();
		if (this.random.nextInt(10) == 0) {
			whole[this.random.nextInt(whole.length - 5) + 5] ^= (byte) (1 << this.random.nextInt(8));
		}
		return whole;
	}

	private void entry(int kind) {
		switch (kind) {
			case 0, 1 -> {
				text("payload");
				this.body.writeBytes(HexFormat.of().parseHex(PAYLOADS[this.random.nextInt(PAYLOADS.length)]));
			}
			case 2, 3 -> {
				text("id");
				head(CborHead.UNSIGNED, this.random.nextBoolean() ? this.random.nextInt(30) : this.random.nextLong());
			}
			case 4 -> {
				text("method");
				text(any());
			}
			case 5, 6 -> {
				text("headers");
				int count = this.random.nextInt(4);
				head(CborHead.MAP, count);
				for (int i = 0; i < count; i++) {
					text(any());
					text(any());
				}
			}
			default -> {
				text(any());
				head(this.random.nextBoolean() ? CborHead.UNSIGNED : CborHead.NEGATIVE, this.random.nextInt(1000));
			}
		}
	}

	private String any() {
		return TEXTS[this.random.nextInt(TEXTS.length)];
	}

	private void text(String text) {
		byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
		head(CborHead.TEXT, bytes.length);
		this.body.writeBytes(bytes);
	}

	/** Often in a longer form than necessary. */
	private void head(int type, long argument) {
		int shortest = (argument >= 0 && argument < 24) ? 0
				: (argument >>> 8 == 0) ? 1 : (argument >>> 16 == 0) ? 2 : (argument >>> 32 == 0) ? 4 : 8;
		int size = (this.random.nextInt(6) == 0) ? 8 : shortest;
		if (size == 0) {
			this.body.write(type << 5 | (int) argument);
			return;
		}
		this.body.write(type << 5 | 24 + Integer.numberOfTrailingZeros(size));
		byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(argument).array();
		this.body.write(bytes, Long.BYTES - size, size);
	}

}
