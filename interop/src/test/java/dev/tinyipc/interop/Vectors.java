package dev.tinyipc.interop;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.RawPackets;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** The golden frames, which {@code make.py} makes and whose notation it explains. */
final class Vectors {

	static final Path MANIFEST = Path.of("vectors", "manifest.json");

	private Vectors() {
	}

	/**
	 * Sends every vector to a child, and compares what becomes of it.
	 * @return how many it was sent, of how many there are
	 */
	static String check(Language language) throws Exception {
		JsonNode all = JsonMapper.shared().readTree(Files.readString(MANIFEST)).path("vectors");
		// It does not see those with descriptors if it does not pass any.
		List<JsonNode> vectors = all.valueStream()
			.filter((vector) -> language.passesDescriptors() || !vector.has("descriptors"))
			.toList();
		try (OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
			VectorRun.check(vectors, () -> new Child(language.command()), (child, vector) -> {
				send(child.socket(), vector, file);
				check(child, expectation(vector, language), vector);
				return serves(child);
			});
		}
		return vectors.size() + " of " + all.size();
	}

	/** {@code replies}, or what the manifest says in {@code then}. */
	private static String expectation(JsonNode vector, Language language) {
		if (vector.path("packets").size() > 1 && !language.continuesFrames()) {
			return "ends";
		}
		if (vector.path("packets").path(0).stringValue().isEmpty() && !language.tellsEmptyPacketsFromTheEnd()) {
			return "ends well";
		}
		return vector.path("then").stringValue("replies");
	}

	/** Sends a vector, with the descriptor as each of those that it needs. */
	static void send(IpcSocket socket, JsonNode vector, OwnedFd file) throws IOException {
		int index = 0;
		for (JsonNode hex : vector.path("packets")) {
			byte[] packet = HexFormat.of().parseHex(hex.stringValue());
			if (index == 0 && packet.length >= Long.BYTES) {
				ByteBuffer bytes = ByteBuffer.wrap(packet).order(ByteOrder.LITTLE_ENDIAN);
				bytes.duplicate().order(ByteOrder.nativeOrder()).putLong(bytes.getLong(0));
			}
			OwnedFd[] descriptors = new OwnedFd[vector.path("descriptors").path(index).intValue(0)];
			Arrays.fill(descriptors, file);
			try {
				RawPackets.send(socket, packet, descriptors);
			}
			catch (IpcException ex) {
				if (index == 0) {
					throw ex;
				}
				// It has refused what came before, as is its right.
			}
			index++;
		}
		if (vector.path("close").booleanValue(false)) {
			socket.shutdownOutput();
		}
	}

	private static void check(Child child, String expectation, JsonNode vector) throws Exception {
		String what;
		try (IpcMessage<JsonNode> reply = child.channel().receive(JsonNode.class)) {
			what = (reply == null) ? "ends" : "replies";
			if (expectation.equals("replies") && reply != null) {
				assertThat(isMeant(vector.path("meaning"), reply.payload()))
					.as("means " + vector.path("meaning") + ", and the reply was " + reply.payload())
					.isTrue();
			}
		}
		catch (IpcException.Remote ex) {
			what = "answers";
		}
		catch (JacksonException ex) {
			what = "replies"; // with what it was sent, and this end refuses
		}
		if (what.equals("ends")) {
			ExitStatus exit = child.exit();
			if (exit.isSuccess() && expectation.equals("ends well")) {
				return;
			}
			assertThat(exit.signal().isEmpty() && !exit.isSuccess()).as(exit.toString()).isTrue();
		}
		if (!expectation.equals("survives")) {
			assertThat(what).as("what the child does").isEqualTo(expectation);
		}
	}

	private static boolean serves(Child child) {
		try {
			return child.echo("next").stringValue("").equals("next");
		}
		catch (IpcException | AssertionError ex) {
			return false;
		}
	}

	/** Whether a value is what the manifest's notation says. */
	static boolean isMeant(JsonNode meaning, JsonNode value) throws IOException {
		if (meaning.has("$int")) {
			return value.isIntegralNumber()
					&& value.bigIntegerValue().equals(new BigInteger(meaning.path("$int").stringValue()));
		}
		if (meaning.has("$float")) {
			double expected = Double.parseDouble(meaning.path("$float").stringValue());
			return value.isNumber() && Double.compare(value.doubleValue(), expected) == 0;
		}
		if (meaning.has("$bytes")) {
			return value.isBinary()
					&& HexFormat.of().formatHex(value.binaryValue()).equals(meaning.path("$bytes").stringValue());
		}
		if (meaning.isIntegralNumber()) {
			return value.isIntegralNumber() && value.bigIntegerValue().equals(meaning.bigIntegerValue());
		}
		if (!meaning.isContainer()) {
			return meaning.equals(value);
		}
		if (meaning.getNodeType() != value.getNodeType() || meaning.size() != value.size()) {
			return false;
		}
		for (int i = 0; meaning.isArray() && i < meaning.size(); i++) {
			if (!isMeant(meaning.get(i), value.get(i))) {
				return false;
			}
		}
		for (String name : meaning.propertyNames()) {
			if (!value.has(name) || !isMeant(meaning.get(name), value.get(name))) {
				return false;
			}
		}
		return true;
	}

}
