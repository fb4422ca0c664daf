package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import java.util.OptionalLong;

import org.jspecify.annotations.Nullable;

/**
 * Reads an {@link Envelope} that has its payload last, as ours and those of most peers
 * have, without a parser: it is read for each message. Of the body only the first bytes
 * need to be there.
 */
final class EnvelopeReader {

	/**
	 * More than anybody sends. As nobody has counted the items of the body yet, there
	 * could be millions.
	 */
	private static final int MAX_HEADERS = 256;

	private final ByteBuffer body;

	private int at;

	/** Whether this may still be a usual envelope. */
	private boolean usual = true;

	private EnvelopeReader(ByteBuffer body) {
		this.body = body;
		this.at = body.position();
	}

	/**
	 * Reads it.
	 * @param body from its position to its limit; both stay as they are
	 * @return null if it is anything else, or not all there
	 */
	static @Nullable Envelope readUsual(ByteBuffer body) {
		return new EnvelopeReader(body).read();
	}

	private @Nullable Envelope read() {
		for (byte expected : Envelope.TAG_HEAD) {
			if (this.at >= this.body.limit() || this.body.get(this.at++) != expected) {
				return null;
			}
		}
		OptionalLong id = OptionalLong.empty();
		String method = null;
		Map<String, String> headers = null;
		for (long left = head(CborHead.MAP); left > 0 && this.usual; left--) {
			int key = textStart();
			int length = this.at - key;
			if (isAt(key, length, "id") && id.isEmpty()) {
				id = OptionalLong.of(head(CborHead.UNSIGNED));
			}
			else if (isAt(key, length, "method") && method == null) {
				method = text();
			}
			else if (isAt(key, length, "headers") && headers == null) {
				headers = headers();
			}
			else {
				boolean isLast = isAt(key, length, "payload") && left == 1;
				return isLast
						? new Envelope(id, method, (headers != null) ? headers : Map.of(), this.at, this.body.limit())
						: null;
			}
		}
		return null;
	}

	private Map<String, String> headers() {
		long count = head(CborHead.MAP);
		if (this.usual && count == 1) {
			String name = text();
			return Map.of(name, text());
		}
		if (count > MAX_HEADERS) {
			this.usual = false;
		}
		Map<String, String> headers = new HashMap<>();
		for (long i = 0; i < count && this.usual; i++) {
			if (headers.put(text(), text()) != null) {
				this.usual = false; // left to the parser, which refuses it
			}
		}
		return Map.copyOf(headers);
	}

	/** Reads a head. */
	private long head(int type) {
		if (!this.usual || !CborHead.isAt(this.body, this.at) || CborHead.type(this.body.get(this.at)) != type) {
			this.usual = false;
			return 0;
		}
		long argument = CborHead.argument(this.body, this.at);
		this.at += CborHead.size(this.body.get(this.at));
		return argument;
	}

	/** Skips a text. */
	private int textStart() {
		long length = head(CborHead.TEXT);
		int start = this.at;
		if (length < 0 || length > this.body.limit() - start) {
			this.usual = false;
			return start;
		}
		this.at += (int) length;
		return start;
	}

	private String text() {
		int start = textStart();
		byte[] bytes = new byte[this.at - start];
		this.body.get(start, bytes);
		return new String(bytes, StandardCharsets.UTF_8);
	}

	private boolean isAt(int start, int length, String ascii) {
		if (!this.usual || length != ascii.length()) {
			return false;
		}
		for (int i = 0; i < length; i++) {
			if (this.body.get(start + i) != ascii.charAt(i)) {
				return false;
			}
		}
		return true;
	}

}
