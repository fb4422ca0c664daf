package dev.tinyipc;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** A child that needs time before it can serve, and says when it is ready. */
@Timeout(60)
class ServerStartTests {

	static final class Child {

		public static void main(String[] arguments) throws Exception {
			IpcServer server = IpcServer.builder()
				.handler(String.class, (request, context) -> "served " + request.payload())
				.start();
			System.out.println("started");
			int next = System.in.read(); // until the test has seen what it wants to see
			switch (next) {
				case 'r' -> {
					server.ready();
					try {
						server.ready();
					}
					catch (IllegalStateException ex) {
						System.out.println(ex.getMessage());
					}
					server.awaitEnd();
				}
				case 'c' -> {
					server.close();
					server.awaitEnd();
				}
				default -> {
					server.ready();
					System.out.println("ready");
					System.in.read();
					server.close();
					server.awaitEnd();
				}
			}
			System.out.println("ended");
		}

	}

	private static IpcProcess start(Map<String, String> environment) throws IOException {
		IpcProcessBuilder builder = new IpcProcessBuilder(new ChildJvm(Child.class).command()).redirectErrorStream(true)
			.redirectInput(ProcessBuilder.Redirect.PIPE);
		builder.environment().putAll(environment);
		return builder.start();
	}

	private static void await(IpcProcess child, String line) throws IOException {
		StringBuilder output = new StringBuilder();
		while (!output.toString().contains(line + "\n")) {
			int next = child.getInputStream().read();
			assertThat(next).as(output.toString()).isNotNegative();
			output.append((char) next);
		}
	}

	private static void tell(IpcProcess child, char what) throws IOException {
		child.getOutputStream().write(what);
		child.getOutputStream().flush();
	}

	private static String rest(IpcProcess child) throws IOException {
		return new String(child.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
	}

	@Test
	void nothingIsAnsweredBeforeItIsReadyAndTheHelloComesWithThat() throws Exception {
		try (IpcProcess child = start(Map.of(IpcServer.HELLO_VARIABLE, "1"))) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(child.socket()), "the child");
			await(child, "started");
			Exchange early = Conversation.ask(requester, "", "early");
			assertThat(requester.look()).isEqualTo(IpcRequester.State.OWING);
			assertThat(requester.isUp()).isFalse();
			tell(child, 'r');
			assertThat(early.reply(String.class).payload()).isEqualTo("served early");
			assertThat(requester.hello()).isPresent();
			assertThat(Conversation.call(requester, "", "late")).isEqualTo("served late");
			child.socket().close();
			assertThat(rest(child))
				.isEqualTo("Only a server that was created by start() becomes ready, and only once\nended\n");
			assertThat(child.waitFor()).isZero();
		}
	}

	@Test
	void helloCanBeAwaited() throws Exception {
		try (IpcProcess child = start(Map.of(IpcServer.HELLO_VARIABLE, "1"))) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(child.socket()), "the child");
			tell(child, 'r');
			assertThat(requester.awaitHello(Conversation.inTime()).envelope()).isTrue();
			assertThat(requester.isUp()).isTrue();
			assertThat(requester.owed()).isZero();
		}
	}

	@Test
	void parentThatIsGoneBeforeItIsReadyEndsItInOrder() throws Exception {
		for (Map<String, String> environment : List.of(Map.of(IpcServer.HELLO_VARIABLE, "1"),
				Map.<String, String>of())) {
			try (IpcProcess child = start(environment)) {
				await(child, "started");
				child.socket().close();
				tell(child, 'r');
				assertThat(rest(child)).endsWith("ended\n");
				assertThat(child.waitFor()).isZero();
			}
		}
	}

	@Test
	void serverThatIsClosedInsteadClosesItsSocket() throws Exception {
		for (Map<String, String> environment : List.of(Map.of(IpcServer.HELLO_VARIABLE, "1"),
				Map.<String, String>of())) {
			for (char when : new char[] { 'c', 'l' }) {
				try (IpcProcess child = start(environment)) {
					await(child, "started");
					IpcRequester requester = IpcRequester.over(IpcChannel.over(child.socket()), "the child");
					tell(child, when);
					if (when == 'l') {
						await(child, "ready");
						assertThat(Conversation.call(requester, "", "x")).isEqualTo("served x");
						tell(child, 'c');
					}
					assertThat(rest(child)).isEqualTo("ended\n");
					assertThatExceptionOfType(IpcException.PeerClosed.class)
						.isThrownBy(() -> requester.receive(Object.class, Conversation.inTime()));
					assertThat(child.waitFor()).isZero();
				}
			}
		}
	}

}
