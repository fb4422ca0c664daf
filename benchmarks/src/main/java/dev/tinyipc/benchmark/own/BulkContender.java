package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcServer;
import dev.tinyipc.benchmark.Contender;

/**
 * Large byte arrays through shared blocks, to a child in Java or with NumPy, which sums
 * them or sends them back.
 */
public final class BulkContender implements Contender {

	/** With cbor2 and NumPy, made by {@code peers/build}. */
	public static final Path PYTHON = Path.of("target", "peers", "python", "bin", "python3");

	private static final int LIMIT = 128 * 1024 * 1024;

	private static final Duration TIMEOUT = Duration.ofSeconds(30);

	private final boolean python;

	/**
	 * Made by the harness.
	 * @param arguments {@code java} or {@code python}
	 */
	public BulkContender(List<String> arguments) {
		this.python = arguments.get(0).equals("python");
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		boolean sums = work.equals("sum");
		if (!sums && !work.equals("roundtrip")) {
			throw new CannotException("large byte arrays only");
		}
		byte[] data = new byte[Integer.parseInt(parameters.get(0))];
		Arrays.fill(data, (byte) 7);
		Child child = start(sums ? "sum" : "bytes");
		Object reply = child.ask(data, sums ? Long.class : byte[].class);
		boolean isRight = sums ? reply.equals(7L * data.length) : Arrays.equals((byte[]) reply, data);
		if (!isRight) {
			throw new IOException("something else came back");
		}
		return new BulkSession(child, data, sums ? Long.class : byte[].class);
	}

	private Child start(String type) throws IOException, CannotException {
		IpcProcessBuilder builder = new IpcProcessBuilder(command(type)).inheritIO()
			.redirectOutput(ProcessBuilder.Redirect.DISCARD);
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		builder.environment().put(IpcServer.BLOCKS_VARIABLE, Integer.toString(LIMIT));
		builder.environment().put("PYTHONPATH", Path.of("..", "python", "src").toString());
		IpcProcess process = builder.start();
		IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()).withBlocks(LIMIT), "the child");
		requester.awaitHello(Deadline.in(TIMEOUT));
		return new Child(process, requester);
	}

	private List<String> command(String type) throws CannotException {
		if (!this.python) {
			return ChildProgram.java(List.of("-Xmx512m", "-Dtype=" + type), ServedChild.class);
		}
		if (!Files.exists(PYTHON)) {
			throw new CannotException("there is no Python with cbor2 and NumPy");
		}
		return List.of(PYTHON.toString(), Path.of("peers", "python", "bulk.py").toString(), type);
	}

	private record Child(IpcProcess process, IpcRequester requester) {

		Object ask(byte[] data, Class<?> type) throws IOException {
			Exchange exchange = this.requester.begin(Deadline.in(TIMEOUT));
			exchange.request(data);
			try (IpcMessage<?> reply = exchange.reply(type)) {
				return reply.payload();
			}
		}

	}

	private record BulkSession(Child child, byte[] data, Class<?> type) implements Session {

		@Override
		public Result run(Duration duration) throws Exception {
			return Contender.repeat(duration, () -> this.child.ask(this.data, this.type));
		}

		@Override
		public void close() throws IOException, InterruptedException {
			new RawContender.Peer(this.child.process(), List.of(this.child.process().socket())).close();
		}

	}

}
