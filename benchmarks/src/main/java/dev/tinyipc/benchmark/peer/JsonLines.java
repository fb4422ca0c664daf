package dev.tinyipc.benchmark.peer;

import java.io.BufferedInputStream;
import java.io.BufferedOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonParser;
import tools.jackson.core.StreamWriteFeature;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;
import tools.jackson.databind.json.JsonMapper;

/** JSON values, one a line, over a pair of pipes. Bytes are Base64, as JSON has none. */
final class JsonLines {

	static final JsonMapper MAPPER = JsonMapper.builder()
		.disable(StreamWriteFeature.AUTO_CLOSE_TARGET)
		// Once a line, behind its end.
		.disable(StreamWriteFeature.FLUSH_PASSED_TO_STREAM)
		// Would wait for what comes behind a value.
		.disable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
		.build();

	/** That of a pipe. */
	private static final int BUFFER_SIZE = 64 * 1024;

	private final InputStream input;

	private final OutputStream output;

	private final ObjectReader reader;

	private @Nullable JsonParser parser;

	JsonLines(InputStream input, ObjectReader reader, OutputStream output) {
		this.input = new BufferedInputStream(input, BUFFER_SIZE);
		this.reader = reader;
		this.output = new BufferedOutputStream(output, BUFFER_SIZE);
	}

	void write(ObjectWriter writer, Object value) throws IOException {
		writer.writeValue(this.output, value);
		this.output.write('\n');
		this.output.flush();
	}

	/**
	 * Reads the next value.
	 * @return the value, or {@code null} at the end
	 */
	@Nullable Object read() {
		if (this.parser == null) {
			// Waits for the first bytes, so not before they are asked for.
			this.parser = MAPPER.createParser(this.input);
		}
		return (this.parser.nextToken() != null) ? this.reader.readValue(this.parser) : null;
	}

}
