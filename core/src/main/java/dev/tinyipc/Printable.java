package dev.tinyipc;

/** Makes a peer's text safe to log: one line, and nothing that controls a terminal. */
final class Printable {

	private Printable() {
	}

	/**
	 * Escapes invisible characters as Java does, such as {@code \\n}: control characters,
	 * line separators, and those that change the direction of the text.
	 */
	static String of(String text) {
		StringBuilder printable = new StringBuilder(text.length());
		text.chars().forEach((character) -> {
			if (isVisible((char) character)) {
				printable.append((char) character);
			}
			else {
				printable.append(escape((char) character));
			}
		});
		return printable.toString();
	}

	private static boolean isVisible(char character) {
		return switch (Character.getType(character)) {
			case Character.CONTROL, Character.FORMAT, Character.LINE_SEPARATOR, Character.PARAGRAPH_SEPARATOR -> false;
			default -> true;
		};
	}

	private static String escape(char character) {
		return switch (character) {
			case '\n' -> "\\n";
			case '\r' -> "\\r";
			case '\t' -> "\\t";
			default -> String.format("\\u%04x", (int) character);
		};
	}

}
