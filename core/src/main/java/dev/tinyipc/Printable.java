package dev.tinyipc;

/** Text of a peer's, fit for a log: one line, that no terminal takes for a command. */
final class Printable {

	private Printable() {
	}

	/**
	 * Writes what is no visible character as a Java escape, such as {@code \\n}: control
	 * characters, ends of lines, and those that turn the direction of what follows.
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
