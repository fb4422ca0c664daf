package dev.tinyipc;

import java.nio.ByteBuffer;

import tools.jackson.core.JsonParser;
import tools.jackson.databind.DatabindException;

/**
 * One look over a body before it is parsed, which refuses what the parser would need much
 * time or memory for, or would let pass: it copies its list of tags with each one, makes
 * an object of each empty map, takes UTF-8 that is none for text, and a number of three
 * bytes for one with a billion digits.
 *
 * <p>
 * On its way it tries to prove that no map has a key twice, so that the parser need not
 * look for such keys, which takes longer.
 *
 * <p>
 * A socket uses the same object for one body after the other. Not thread-safe.
 */
final class CborCheck {

	/** Around one item. More have no use, and a parser may take its time for each. */
	static final int MAX_TAGS = 8;

	/** Of a decimal fraction or a bigfloat. */
	static final int MAX_EXPONENT = 1000;

	private static final int TAG_BIGNUM = 2;

	private static final int TAG_DECIMAL_FRACTION = 4;

	private static final int TAG_BIGFLOAT = 5;

	private static final int BREAK = 0xff;

	/** In place of a count. */
	private static final long INDEFINITE = -1;

	/** Lower ones are in the head itself. */
	private static final int FIRST_SIMPLE_IN_ONE = 32;

	private static final int SHORT_TEXT = 0x60;

	private static final int SHORT_TEXTS = 24;

	/** Its length is in the next byte. */
	private static final int TEXT_IN_ONE = SHORT_TEXT + SHORT_TEXTS;

	private static final byte[] PLAIN_SIZES = CborHead.plainSizes();

	private static final ByteBuffer NOTHING = ByteBuffer.allocate(0);

	private final MapKeys keys = new MapKeys();

	// Of the body that is looked at

	private ByteBuffer body = NOTHING;

	private int limit;

	private int maxDepth;

	private int maxItems;

	private long items;

	private boolean hasInnerTags;

	private void begin(ByteBuffer body, int maxDepth, int maxItems) {
		this.keys.begin();
		this.body = body;
		this.limit = body.limit();
		this.maxDepth = maxDepth;
		this.maxItems = maxItems;
		this.items = 0;
		this.hasInnerTags = false;
	}

	/**
	 * Checks that a body is one well-formed item.
	 * @param body from its position to its limit; both stay as they are
	 * @param maxDepth how deep items may be nested
	 * @param maxItems how many there may be, the outermost included
	 * @return what is proven
	 * @throws DatabindException if it is none, or over a limit
	 */
	CborFinding check(ByteBuffer body, int maxDepth, int maxItems) {
		begin(body, maxDepth, maxItems);
		int end;
		try {
			end = items(body.position(), 1, 0);
		}
		catch (StackOverflowError ex) { // the caller's own depth counts, too
			throw refused("it is nested deeper than the stack of this thread allows");
		}
		if (end > body.limit()) {
			throw endsEarly();
		}
		if (end < body.limit()) {
			throw refused(
					end - body.position() + " bytes are an item, and " + (body.limit() - end) + " more follow it");
		}
		return !this.keys.areUnique() ? CborFinding.WELL_FORMED
				: this.hasInnerTags ? CborFinding.UNIQUE_KEYS : CborFinding.UNIQUE_KEYS_WITHOUT_INNER_TAGS;
	}

	/** Where an item ends, which is part of a body that was checked. */
	static int endOf(ByteBuffer body, int start) {
		CborCheck check = new CborCheck();
		check.begin(body, Integer.MAX_VALUE, Integer.MAX_VALUE);
		return check.items(start, 1, 0);
	}

	/** Checks the item at a place, and returns the place behind it. */
	private int item(int start, int depth, CborPlace place) {
		int at = start;
		int type = headAt(at);
		boolean isBignum = false;
		boolean hasExponent = false;
		for (int tags = 1; type == CborHead.TAG; tags++) {
			this.hasInnerTags |= start != this.body.position();
			if (tags > MAX_TAGS) {
				throw refused("there are more than " + MAX_TAGS + " tags around one item");
			}
			long tag = CborHead.argument(this.body, at);
			isBignum |= tag == TAG_BIGNUM;
			hasExponent |= tag == TAG_DECIMAL_FRACTION || tag == TAG_BIGFLOAT;
			at = behindHead(at);
			type = headAt(at);
		}
		if (place == CborPlace.EXPONENT && type > CborHead.NEGATIVE) {
			throw refused("a number has an exponent that is no small number");
		}
		return switch (type) {
			case CborHead.UNSIGNED, CborHead.NEGATIVE -> number(at, place);
			case CborHead.BYTES -> isBignum ? bignum(at) : string(at, type);
			case CborHead.TEXT -> string(at, type);
			case CborHead.ARRAY -> array(at, depth, hasExponent);
			case CborHead.MAP -> map(at, depth);
			default -> simple(at);
		};
	}

	/** Makes sure that there is a whole head, and returns its type. */
	private int headAt(int at) {
		if (at >= this.limit) {
			throw endsEarly();
		}
		byte first = this.body.get(at);
		if (this.limit - at < CborHead.size(first)) {
			throw endsEarly();
		}
		if (!CborHead.canBegin(first)) {
			throw refused("a data item cannot begin with the byte 0x" + Integer.toHexString(first & 0xff));
		}
		return CborHead.type(first);
	}

	private int behindHead(int at) {
		return at + CborHead.size(this.body.get(at));
	}

	private boolean isIndefinite(int at) {
		return CborHead.info(this.body.get(at)) == CborHead.INDEFINITE;
	}

	private int number(int at, CborPlace place) {
		long argument = CborHead.argument(this.body, at);
		if (place == CborPlace.KEY && argument < 0) {
			throw refused("a map has a number as a key that is not within 64 bits");
		}
		// A negative one is one more than what is written.
		int highest = (CborHead.type(this.body.get(at)) == CborHead.NEGATIVE) ? MAX_EXPONENT - 1 : MAX_EXPONENT;
		if (place == CborPlace.EXPONENT && (argument < 0 || argument > highest)) {
			throw refused("a number has an exponent that is not within -" + MAX_EXPONENT + " and " + MAX_EXPONENT);
		}
		return behindHead(at);
	}

	/** The parser would take the highest bit for a sign, which it is not. */
	private int bignum(int at) {
		int content = behindHead(at);
		int end = string(at, CborHead.BYTES);
		if (isIndefinite(at) || (content < end && this.body.get(content) < 0)) {
			throw refused("a bignum is in parts, or its first byte is above 0x7f");
		}
		return end;
	}

	private int simple(int at) {
		if ((this.body.get(at) & 0xff) == CborHead.SIMPLE_IN_ONE
				&& (this.body.get(at + 1) & 0xff) < FIRST_SIMPLE_IN_ONE) {
			throw refused("a simple value is written in two bytes that must be in one");
		}
		return behindHead(at);
	}

	private int array(int start, int depth, boolean hasExponent) {
		checkDepth(depth);
		int at = behindHead(start);
		if (isIndefinite(start)) {
			return items(at, INDEFINITE, depth + 1);
		}
		long count = count(start, at);
		if (!hasExponent || count == 0) {
			return items(at, count, depth + 1);
		}
		countItems(1);
		return items(item(at, depth + 1, CborPlace.EXPONENT), count - 1, depth + 1);
	}

	/**
	 * Checks the items of an array. Most are small and plain, and done with here.
	 * @param count how many, or {@code INDEFINITE}
	 * @return the place behind them, and behind their break
	 */
	private int items(int start, long count, int depth) {
		if (count != INDEFINITE) {
			countItems(count);
		}
		int at = start;
		long done = 0;
		while (done != count) {
			int first = firstByte(at);
			int size = PLAIN_SIZES[first];
			if (size > 0) {
				// The next ones are often of the same size, and need not wait for this.
				int last = this.limit - size;
				if (at > last) {
					throw endsEarly();
				}
				do {
					at += size;
					done++;
				}
				while (done != count && at <= last && PLAIN_SIZES[this.body.get(at) & 0xff] == size);
			}
			else if (first == BREAK && count == INDEFINITE) {
				countItems(done);
				return at + 1;
			}
			else {
				at = value(at, first, depth);
				done++;
			}
			if (count == INDEFINITE && done > this.maxItems) {
				countItems(done);
			}
		}
		return at;
	}

	private int map(int start, int depth) {
		checkDepth(depth);
		int at = behindHead(start);
		return isIndefinite(start) ? entries(at, INDEFINITE, depth + 1) : entries(at, count(start, at), depth + 1);
	}

	/** Checks the keys and values of a map, as {@link #items} does with an array. */
	private int entries(int start, long count, int depth) {
		if (count != INDEFINITE) {
			countItems(2 * count);
		}
		int at = start;
		for (long done = 0; done != count; done++) {
			int first = firstByte(at);
			if (first == BREAK && count == INDEFINITE) {
				countItems(2 * done);
				return at + 1;
			}
			at = key(at, first, done, depth);
			first = firstByte(at);
			int size = PLAIN_SIZES[first];
			if (size > this.limit - at) {
				throw endsEarly();
			}
			at = (size > 0) ? at + size : value(at, first, depth);
			if (2 * done >= this.maxItems) {
				countItems(2 * done);
			}
		}
		return at;
	}

	/**
	 * Checks a key.
	 * @param index how many keys of the map there are before it
	 */
	private int key(int start, int first, long index, int depth) {
		int length = first - SHORT_TEXT;
		int content = start + 1;
		if (first == TEXT_IN_ONE) {
			length = firstByte(content++);
		}
		else if (length < 0 || length >= SHORT_TEXTS) {
			this.keys.addUnknown();
			return item(start, depth, CborPlace.KEY);
		}
		if (length > this.limit - content) {
			throw endsEarly();
		}
		int end = content + length;
		long hash = this.keys.areUnique() ? MapKeys.hash(this.body, content, end) : MapKeys.NO_HASH;
		if (hash <= 0) {
			checkText(content, end);
		}
		this.keys.add(depth, index, hash);
		return end;
	}

	private int value(int at, int first, int depth) {
		if (first >= SHORT_TEXT && first < SHORT_TEXT + SHORT_TEXTS) {
			return text(at + 1, first - SHORT_TEXT);
		}
		if (first == TEXT_IN_ONE) {
			return text(at + 2, firstByte(at + 1));
		}
		return item(at, depth, CborPlace.ANY);
	}

	private int firstByte(int at) {
		if (at >= this.limit) {
			throw endsEarly();
		}
		return this.body.get(at) & 0xff;
	}

	private void countItems(long count) {
		this.items += count;
		if (this.items > this.maxItems) {
			throw refused("it has more than " + this.maxItems + " data items");
		}
	}

	private void checkDepth(int depth) {
		if (depth >= this.maxDepth) {
			throw refused("it is nested more than " + this.maxDepth + " deep");
		}
	}

	private boolean isBreak(int at) {
		if (at >= this.limit) {
			throw endsEarly();
		}
		return this.body.get(at) == (byte) BREAK;
	}

	/** Bytes or items, of which each has one byte at least. */
	private long count(int start, int at) {
		long count = CborHead.argument(this.body, start);
		if (count < 0 || count > this.limit - at) {
			throw endsEarly();
		}
		return count;
	}

	private int string(int start, int type) {
		int at = behindHead(start);
		if (!isIndefinite(start)) {
			return content(start, at, type);
		}
		while (!isBreak(at)) {
			if (headAt(at) != type || isIndefinite(at)) {
				throw refused("a string has a part that is no string of the same type");
			}
			countItems(1);
			at = content(at, behindHead(at), type);
		}
		return at + 1;
	}

	private int content(int start, int at, int type) {
		int length = (int) count(start, at);
		return (type == CborHead.TEXT) ? text(at, length) : at + length;
	}

	private int text(int start, int length) {
		if (length > this.limit - start) {
			throw endsEarly();
		}
		checkText(start, start + length);
		return start + length;
	}

	private void checkText(int start, int end) {
		if (!Utf8.isValid(this.body, start, end)) {
			throw refused("a text is not UTF-8");
		}
	}

	private static DatabindException endsEarly() {
		return refused("it ends before its data item does");
	}

	private static DatabindException refused(String why) {
		return DatabindException.from((JsonParser) null, "The body is refused: " + why);
	}

}
