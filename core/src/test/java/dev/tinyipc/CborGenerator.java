package dev.tinyipc;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HexFormat;

/**
 * Makes bodies out of any bytes: well-formed CBOR of every kind, in every form that the
 * standard allows, with runs of the same over and over; and then breaks some of them.
 */
final class CborGenerator {

	private static final int MAX_SIZE = 60_000;

	private static final int MAX_DEPTH = 6;

	private static final String[] TEXTS = { "", "number", "text", "map", "inner", "lists", "any", "type", "message",
			"id", "payload", "größer", "\u0000", "€😀", "x".repeat(300) };

	private static final long[] NUMBERS = { 0, 1, 23, 24, 255, 256, 1000, 65_535, 65_536, 0xffff_ffffL, 1L << 32,
			Long.MAX_VALUE, Long.MIN_VALUE, -1 };

	private static final long[] TAGS = { 0, 1, 2, 3, 4, 5, 24, 25, 256, 258, 55799, ErrorItem.TAG, Envelope.TAG,
			IpcHello.TAG, 0xffff_ffffL, -1 };

	/** What could cost much for little: tags, openings, empty things, texts, numbers. */
	private static final String[] RUNS = { "c1", "d8", "d9d9f7", "81", "9f", "a1", "bf", "a0", "80", "60", "40", "f6",
			"00", "6161", "a16161", "c48200", "c240", "820102", "ff", "7f", "5f", "d81900", "c1a0",
			"fb7ff0000000000000" };

	private final FuzzPeer.Script script;

	private final ByteArrayOutputStream body = new ByteArrayOutputStream();

	private CborGenerator(FuzzPeer.Script script) {
		this.script = script;
	}

	/** Any script gives a body, of at least one byte. */
	static byte[] body(FuzzPeer.Script script) {
		CborGenerator generator = new CborGenerator(script);
		generator.item(0);
		return generator.broken(generator.body.toByteArray());
	}

	private void item(int depth) {
		if (this.body.size() > MAX_SIZE) {
			head(0, 0);
			return;
		}
		switch (this.script.next() % 12) {
			case 0 -> head(CborHead.UNSIGNED, number());
			case 1 -> head(CborHead.NEGATIVE, number());
			case 2 -> string(CborHead.BYTES);
			case 3 -> string(CborHead.TEXT);
			case 4, 5 -> items(CborHead.ARRAY, depth);
			case 6, 7 -> items(CborHead.MAP, depth);
			case 8 -> tagged(depth);
			case 9 -> simple();
			case 10 -> decimal();
			default -> run(depth);
		}
	}

	private long number() {
		return NUMBERS[this.script.next() % NUMBERS.length];
	}

	/** In the shortest form, or in a longer one. */
	private void head(int type, long argument) {
		int shortest = (argument >= 0 && argument < 24) ? 0
				: (argument >>> 8 == 0) ? 1 : (argument >>> 16 == 0) ? 2 : (argument >>> 32 == 0) ? 4 : 8;
		int size = Math.max(shortest, (this.script.next() % 8 == 0) ? 8 : 0);
		if (size == 0) {
			this.body.write(type << 5 | (int) argument);
			return;
		}
		this.body.write(type << 5 | 24 + Integer.numberOfTrailingZeros(size));
		byte[] bytes = ByteBuffer.allocate(Long.BYTES).putLong(argument).array();
		this.body.write(bytes, Long.BYTES - size, size);
	}

	private void string(int type) {
		boolean indefinite = this.script.next() % 4 == 0;
		int parts = indefinite ? this.script.next() % 4 : 1;
		if (indefinite) {
			this.body.write(type << 5 | CborHead.INDEFINITE);
		}
		for (int i = 0; i < parts; i++) {
			byte[] content = TEXTS[this.script.next() % TEXTS.length].getBytes(StandardCharsets.UTF_8);
			head(type, content.length);
			this.body.writeBytes(content);
		}
		if (indefinite) {
			this.body.write(0xff);
		}
	}

	private void items(int type, int depth) {
		boolean indefinite = this.script.next() % 3 == 0;
		int count = (depth < MAX_DEPTH) ? this.script.next() % 5 : 0;
		if (indefinite) {
			this.body.write(type << 5 | CborHead.INDEFINITE);
		}
		else {
			head(type, count);
		}
		for (int i = 0; i < count; i++) {
			if (type == CborHead.MAP) {
				key();
			}
			item(depth + 1);
		}
		if (indefinite) {
			this.body.write(0xff);
		}
	}

	private void key() {
		switch (this.script.next() % 6) {
			case 0 -> head(CborHead.UNSIGNED, number());
			case 1 -> head(CborHead.NEGATIVE, number());
			default -> string(CborHead.TEXT);
		}
	}

	private void tagged(int depth) {
		for (int i = this.script.next() % 4; i >= 0; i--) {
			head(CborHead.TAG, TAGS[this.script.next() % TAGS.length]);
		}
		item(depth + 1);
	}

	private void simple() {
		int first = 0xe0 + this.script.next() % 28;
		this.body.write(first);
		for (int i = CborHead.size((byte) first); i > 1; i--) {
			this.body.write(this.script.next());
		}
	}

	private void decimal() {
		head(CborHead.TAG, 4 + this.script.next() % 2);
		head(CborHead.ARRAY, 2);
		head(this.script.next() % 2, number());
		head(this.script.next() % 2, number());
	}

	/** The same thousands of times, which a peer need not have bytes for. */
	private void run(int depth) {
		byte[] unit = HexFormat.of().parseHex(RUNS[this.script.next() % RUNS.length]);
		int count = 1 << this.script.next() % 16;
		if (this.script.next() % 2 == 0) {
			head(CborHead.ARRAY, count);
		}
		for (int i = 0; i < count && this.body.size() < MAX_SIZE; i++) {
			this.body.writeBytes(unit);
		}
		item(depth + 1);
	}

	private byte[] broken(byte[] whole) {
		int position = (this.script.next() << 8 | this.script.next()) % whole.length;
		byte[] broken = whole.clone();
		switch (this.script.next() % 6) {
			case 0 -> broken = Arrays.copyOf(whole, Math.max(1, position));
			case 1 -> broken[position] = (byte) this.script.next();
			case 2 -> broken[position] ^= (byte) (1 << this.script.next() % 8);
			default -> {
				// as it is
			}
		}
		return broken;
	}

}
