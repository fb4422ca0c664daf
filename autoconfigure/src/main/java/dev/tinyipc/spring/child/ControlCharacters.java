package dev.tinyipc.spring.child;

import java.util.HexFormat;

/**
 * Characters that act instead of being displayed: they could control a terminal, begin a
 * line of their own in a log, or display text in another order than it is written in.
 */
final class ControlCharacters {

	private static final char LINE_SEPARATOR = 0x2028;

	private static final char RIGHT_TO_LEFT_OVERRIDE = 0x202E;

	private static final char LEFT_TO_RIGHT_ISOLATE = 0x2066;

	private static final char POP_DIRECTIONAL_ISOLATE = 0x2069;

	private ControlCharacters() {
	}

	/** Replaces all of them except the tab with Unicode escapes. */
	static String escape(String text) {
		for (int i = 0; i < text.length(); i++) {
			if (isControl(text.charAt(i))) {
				return escape(text, i);
			}
		}
		return text;
	}

	private static String escape(String text, int first) {
		StringBuilder escaped = new StringBuilder(text.length() + 16).append(text, 0, first);
		for (int i = first; i < text.length(); i++) {
			char character = text.charAt(i);
			if (isControl(character)) {
				escaped.append("\\u").append(HexFormat.of().toHexDigits(character));
			}
			else {
				escaped.append(character);
			}
		}
		return escaped.toString();
	}

	private static boolean isControl(char character) {
		return (Character.isISOControl(character) && character != '\t')
				|| (character >= LINE_SEPARATOR && character <= RIGHT_TO_LEFT_OVERRIDE)
				|| (character >= LEFT_TO_RIGHT_ISOLATE && character <= POP_DIRECTIONAL_ISOLATE);
	}

}
