package dev.tinyipc.interop;

import java.io.IOException;
import java.math.BigInteger;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

import static org.assertj.core.api.Assertions.assertThat;

/** The vectors of the chapter "Conversations". */
final class ConversationVectors {

	private ConversationVectors() {
	}

	/** Those of a kind. */
	static Stream<JsonNode> all(String... kinds) throws IOException {
		JsonNode vectors = JsonMapper.shared().readTree(Files.readString(Vectors.MANIFEST)).path("conversations");
		return vectors.valueStream().filter((vector) -> List.of(kinds).contains(vector.path("kind").stringValue()));
	}

	/** The body of a vector of one packet. */
	static byte[] body(JsonNode vector) {
		assertThat(vector.path("packets").size()).isEqualTo(1);
		String packet = vector.path("packets").path(0).stringValue();
		return HexFormat.of().parseHex(packet.substring(2 * Long.BYTES));
	}

	/** The number of a vector's envelope. */
	static @Nullable Long id(JsonNode vector) {
		JsonNode id = vector.path("id");
		if (id.isMissingNode()) {
			return null;
		}
		return id.isObject() ? (Long) new BigInteger(id.path("$int").stringValue()).longValue() : (Long) id.longValue();
	}

	/**
	 * Sends a child what concerns it, and compares what becomes of it.
	 * @return how many it was sent
	 */
	static int check(Language language) throws Exception {
		List<JsonNode> vectors = all("request", "lane", "cancel").filter((vector) -> concerns(language, vector))
			.toList();
		try (OwnedFd file = OwnedFd.open(Path.of("/dev/null"))) {
			VectorRun.check(vectors, VectorRun.invited(language), (child, vector) -> check(child, vector, file));
		}
		return vectors.size();
	}

	private static boolean concerns(Language language, JsonNode vector) {
		return switch (vector.path("kind").stringValue()) {
			case "cancel" -> language.cancels();
			case "lane" -> language.lanes() > 1;
			default -> language.passesDescriptors() || !vector.has("descriptors");
		};
	}

	/** Returns whether the child serves the next request. */
	private static boolean check(Child child, JsonNode vector, OwnedFd file) throws Exception {
		RawParent parent = new RawParent(child.socket());
		switch (vector.path("then").stringValue(vector.path("kind").stringValue())) {
			case "survives" -> {
				Vectors.send(child.socket(), vector, file);
				return survives(child, parent);
			}
			case "answers" -> {
				Vectors.send(child.socket(), vector, file);
				RawAnswer answer = parent.receive();
				assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.ERROR);
				if (answer.id() != null || !vector.path("orBare").booleanValue(false)) {
					assertThat(answer.id()).isEqualTo(id(vector));
				}
			}
			case "cancel" -> checkCancel(parent, vector, file);
			case "lane" -> checkLane(parent, vector);
			case "request" -> checkRequest(parent, vector, file);
			default -> throw new AssertionError("nothing that this test knows: " + vector);
		}
		parent.assertInStep();
		return true;
	}

	/** Whether it goes on. It may also end, but not crash. */
	private static boolean survives(Child child, RawParent parent) throws Exception {
		try (IpcMessage<JsonNode> reply = child.channel().receive(JsonNode.class)) {
			if (reply == null) {
				assertThat(child.exit().signal()).isEmpty();
				return false;
			}
		}
		catch (IpcException.Remote | JacksonException ex) {
			// An error is as good, or what this end refuses.
		}
		parent.assertInStep();
		return true;
	}

	private static void checkRequest(RawParent parent, JsonNode vector, OwnedFd file) throws IOException {
		Vectors.send(parent.socket(), vector, file);
		RawAnswer answer = parent.receive();
		assertThat(answer.what()).as(answer.toString()).isEqualTo(RawAnswer.What.REPLY);
		assertThat(answer.id()).isEqualTo(id(vector));
		assertThat(Vectors.isMeant(vector.path("meaning"), answer.value())).as(answer.toString()).isTrue();
	}

	/** It ends a stream, and is ignored if no reply is due. */
	private static void checkCancel(RawParent parent, JsonNode vector, OwnedFd file) throws IOException {
		Vectors.send(parent.socket(), vector, file);
		parent.assertInStep();
		parent.request(null, Map.of("do", "stream", "count", Integer.MAX_VALUE));
		parent.assertElements(null, 1);
		Vectors.send(parent.socket(), vector, file);
		assertThat(parent.afterTheElements().what()).isEqualTo(RawAnswer.What.ERROR);
	}

	private static void checkLane(RawParent parent, JsonNode vector) throws IOException {
		IpcSocketPair pair = IpcSocket.pair();
		try (RawParent lane = new RawParent(pair.parent())) {
			lane.socket().setReceiveTimeout(Child.PATIENCE);
			Vectors.send(parent.socket(), vector, pair.child().descriptor());
			pair.child().close();
			RawAnswer answer = parent.receive();
			assertThat(answer.what()).isEqualTo(RawAnswer.What.REPLY);
			assertThat(answer.id()).isNull();
			assertThat(answer.value().isNull()).isTrue();
			lane.assertInStep();
		}
	}

}
