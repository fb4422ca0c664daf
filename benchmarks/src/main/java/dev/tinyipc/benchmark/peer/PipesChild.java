package dev.tinyipc.benchmark.peer;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.FileOutputStream;
import java.io.IOException;

/** The child of {@link PipesContender}. */
final class PipesChild {

	private PipesChild() {
	}

	/**
	 * Serves until its input ends.
	 * @param arguments the kind
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		Kind kind = Kind.valueOf(arguments[0]);
		Codec codec = Codec.of(JsonLines.MAPPER, kind);
		JsonLines lines = new JsonLines(new FileInputStream(FileDescriptor.in), codec.reader(),
				new FileOutputStream(FileDescriptor.out));
		long count = 0;
		Object value;
		while ((value = lines.read()) != null) {
			count++;
			if (kind != Kind.COUNT) {
				lines.write(codec.writer(), value);
			}
			else if (((byte[]) value)[0] == 1) {
				lines.write(JsonLines.MAPPER.writerFor(Count.class), new Count(count));
				count = 0;
			}
		}
	}

	/**
	 * The answer to the last message of many.
	 *
	 * @param count how many came
	 */
	record Count(long count) {

	}

}
