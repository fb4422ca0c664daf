package dev.tinyipc.spring.test;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;

import tools.jackson.core.JacksonException;
import tools.jackson.databind.SerializationFeature;
import tools.jackson.databind.json.JsonMapper;

/**
 * A recording as it is in its file: exchanges in the notation of the project's test
 * vectors, without envelopes, whose numbers differ each time.
 *
 * @param version of this form
 * @param notation explains it to readers
 * @param hello the packets of the child's hello; empty if it has not said hello
 * @param exchanges in the order in which they ended
 */
record Recorded(int version, String notation, List<String> hello, List<Exchange> exchanges) {

	static final int VERSION = 1;

	static final String NOTATION = "Packets and files are in hexadecimal. Each packet is as it goes over the socket: the"
			+ " first one of a message begins with the length of the message, which is little-endian. Messages are"
			+ " without their envelopes. The answers to a request are its reply, its error, or the elements and the end"
			+ " of a stream. Files are the contents of the descriptors that came with an answer.";

	private static final JsonMapper MAPPER = JsonMapper.builder().enable(SerializationFeature.INDENT_OUTPUT).build();

	/**
	 * A request and its answers.
	 *
	 * @param method the method that the request names; empty for none
	 * @param packets of the request
	 * @param descriptors how many came with it
	 */
	record Exchange(String method, List<String> packets, int descriptors, List<Answer> answers) {

	}

	/**
	 * A reply, a part of it, or an error.
	 *
	 * @param files the contents of its descriptors
	 */
	record Answer(List<String> packets, List<String> files) {

	}

	static Recorded read(Path file) {
		try {
			Recorded recorded = MAPPER.readValue(Files.readString(file), Recorded.class);
			if (recorded.version != VERSION) {
				throw new IllegalArgumentException(
						file + " is a recording of version " + recorded.version + ", not " + VERSION);
			}
			return recorded;
		}
		catch (IOException | JacksonException ex) {
			throw new IllegalArgumentException("Failed to read the recording " + file, ex);
		}
	}

	void write(Path file) {
		try {
			Path folder = file.toAbsolutePath().getParent();
			if (folder != null) {
				Files.createDirectories(folder);
			}
			Files.writeString(file, MAPPER.writeValueAsString(this) + '\n');
		}
		catch (IOException ex) {
			throw new UncheckedIOException(ex);
		}
	}

	/** The packets of a message with a body. */
	static List<String> packets(byte[] body) {
		try (RawFrame frame = RawFrame.of(body)) {
			return frame.packets().stream().map(HexFormat.of()::formatHex).toList();
		}
	}

	/** The body of a message. */
	static byte[] body(List<String> packets) {
		try (RawFrame frame = RawFrame.ofPackets(packets.stream().map(HexFormat.of()::parseHex).toList())) {
			return frame.body();
		}
	}

}
