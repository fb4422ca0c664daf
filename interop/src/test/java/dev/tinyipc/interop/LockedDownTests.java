package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcZygote;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Sandbox;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/** A child in any language works locked down, without being given any path. */
@Timeout(value = 300, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class LockedDownTests {

	private static final Sandbox LOCKED_DOWN = Sandbox.of(Sandbox.Profile.LOCKED_DOWN);

	@TempDir
	private Path folder;

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	@ParameterizedTest
	@EnumSource
	void child(Language language) throws Exception {
		language.require();
		Path file = Files.writeString(this.folder.resolve("file"), "ten bytes.");
		try (Child child = new Child(language.command(), Map.of(), LOCKED_DOWN)) {
			assertThat(child.echo("Größe").stringValue()).isEqualTo("Größe");
			assertThat(child.ask(Map.of("do", "sum", "numbers", List.of(1, 41))).intValue()).isEqualTo(42);
			IpcException.Remote error = child.error(Map.of("do", "fail", "message", "no reason"));
			assertThat(error.remoteMessage()).contains("no reason");
			if (language.passesDescriptors()) {
				try (OwnedFd open = OwnedFd.open(file)) {
					assertThat(child.ask(Map.of("do", "length"), open).intValue()).isEqualTo(10);
				}
				try (IpcMessage<JsonNode> reply = child.exchange(Map.of("do", "memory", "text", "text"))) {
					assertThat(reply.file(0).inputStream().readAllBytes())
						.isEqualTo("text".getBytes(StandardCharsets.UTF_8));
				}
			}
		}
	}

	@Test
	void pythonWithNumPyInAVirtualEnvironment() throws Exception {
		List<String> command = withNumPy();
		Path file = numbers();
		try (Child child = new Child(command, Map.of(), LOCKED_DOWN); OwnedFd open = OwnedFd.open(file)) {
			assertThat(child.ask(Map.of(), open).doubleValue()).isEqualTo(7);
		}
	}

	/** Its threads end before a fork, and are there again in what was forked. */
	@Test
	void aZygoteWithNumPyForks() throws Exception {
		Path file = numbers();
		IpcProcessBuilder program = new IpcProcessBuilder(withNumPy()).inheritIO().sandbox(LOCKED_DOWN);
		try (IpcZygote zygote = IpcZygote.start(program, Deadline.in(Child.PATIENCE))) {
			for (int i = 0; i < 3; i++) {
				try (IpcProcess process = zygote.fork(new IpcProcessBuilder().inheritIO());
						OwnedFd open = OwnedFd.open(file)) {
					IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()), "worker");
					Exchange exchange = requester.begin(Deadline.in(Child.PATIENCE));
					exchange.request(Map.of(), open);
					try (IpcMessage<Double> reply = exchange.reply(Double.class)) {
						assertThat(reply.payload()).isEqualTo(7);
					}
					process.socket().shutdownOutput();
					assertThat(process.waitFor()).isZero();
				}
			}
		}
	}

	private Path numbers() throws IOException {
		ByteBuffer numbers = ByteBuffer.allocate(3 * Double.BYTES).order(ByteOrder.nativeOrder());
		numbers.putDouble(1).putDouble(2).putDouble(4);
		return Files.write(this.folder.resolve("numbers"), numbers.array());
	}

	/** The command of a program that computes a mean of squares. */
	private static List<String> withNumPy() throws Exception {
		Programs.require("NumPy", List.of("python3"));
		Path directory = Files.createDirectories(Programs.TARGET.resolve("python-numpy")).toAbsolutePath();
		if (!Files.exists(directory.resolve("venv/installed"))) {
			Programs.run(directory, List.of("python3", "-m", "venv", "venv"));
			Programs.run(directory,
					List.of("venv/bin/pip", "install", "-q", "--disable-pip-version-check", "numpy", "cbor2"));
			Files.createFile(directory.resolve("venv/installed"));
		}
		Path application = Files.createDirectories(directory.resolve("application"));
		Programs.copy(Path.of("..", "python", "src"), application);
		Path script = Files.writeString(application.resolve("worker.py"), """
				import numpy
				from tiny_ipc import App

				app = App()

				@app.handler()
				def mean(request):
				    with request.files[0] as file:
				        numbers = file.array(numpy.float64)
				        return float((numbers @ numbers) / numbers.size)

				app.run()
				""");
		return List.of(directory.resolve("venv/bin/python").toString(), script.toString());
	}

}
