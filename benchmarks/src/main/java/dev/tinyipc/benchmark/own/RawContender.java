package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Sandbox;
import dev.tinyipc.benchmark.Contender;

/**
 * {@code IpcSocket} alone: packets of bytes, to the child in C, or to one in Java.
 */
public final class RawContender implements Contender {

	private static final int SMALL = 64;

	private final boolean javaChild;

	private final Sandbox sandbox;

	private final List<String> childFlags;

	/**
	 * Made by the harness.
	 * @param arguments {@code c}, {@code locked-c} or {@code java}, and flags for a child
	 * in Java
	 */
	public RawContender(List<String> arguments) {
		this.javaChild = arguments.get(0).equals("java");
		this.sandbox = Sandbox
			.of(arguments.get(0).equals("locked-c") ? Sandbox.Profile.LOCKED_DOWN : Sandbox.Profile.NONE);
		this.childFlags = arguments.subList(1, arguments.size());
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return switch (work) {
			case "roundtrip" -> RawSession.roundTrip(connect(work, size(parameters), 1), size(parameters));
			case "oneway" -> RawSession.oneWay(connect(work, size(parameters), 1), size(parameters));
			case "oneway-batch" -> batch(work, size(parameters));
			case "descriptor" -> RawSession.descriptor(connect(work, SMALL, 1), OwnedFd.open(Path.of("/dev/null")));
			case "sockets" -> RawSession.roundTrip(connect(work, SMALL, size(parameters)), SMALL);
			case "poller" -> new PollerSession(connect(work, SMALL, size(parameters)), SMALL);
			case "idle" ->
				new IdleSession(size(parameters) == 0 ? null : connect("roundtrip", SMALL, size(parameters)));
			case "spawn" -> spawn(parameters.get(0));
			default -> throw new CannotException("bytes only, and one caller");
		};
	}

	private static int size(List<String> parameters) {
		return Integer.parseInt(parameters.get(0));
	}

	private Session batch(String work, int size) throws Exception {
		if (size > RawMessage.PACKET_SIZE) {
			throw new CannotException("batches are of packets");
		}
		return RawSession.oneWayInBatches(connect(work, size, 1), size);
	}

	private Session spawn(String child) throws Exception {
		if (!child.equals(this.javaChild ? "java" : "c")) {
			throw new CannotException("another child");
		}
		return new SpawnSession(() -> start("roundtrip", SMALL, 1));
	}

	private IpcProcess start(String work, int size, int sockets) throws IOException {
		String[] arguments = { work, Integer.toString(size), Integer.toString(sockets) };
		return new IpcProcessBuilder(this.javaChild ? ChildProgram.java(this.childFlags, RawChild.class, arguments)
				: ChildProgram.c(arguments))
			.inheritIO()
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.sandbox(this.sandbox)
			.spinTime(SpinTime.wanted().orElse(Duration.ZERO))
			.start();
	}

	private Peer connect(String work, int size, int count) throws IOException {
		IpcProcess process = start(work, size, count);
		List<IpcSocket> sockets = new ArrayList<>(List.of(process.socket()));
		RawMessage note = new RawMessage(1);
		while (sockets.size() < count) {
			IpcSocketPair pair = IpcSocket.pair();
			try (IpcSocket end = pair.child()) {
				process.socket().send(note.packet(), end.descriptor());
			}
			sockets.add(pair.parent());
		}
		return new Peer(process, sockets);
	}

	/** A child and the sockets to it, of which the first is its own. */
	record Peer(IpcProcess process, List<IpcSocket> sockets) implements AutoCloseable {

		IpcSocket socket() {
			return this.sockets.get(0);
		}

		@Override
		public void close() throws IOException, InterruptedException {
			this.sockets.forEach(IpcSocket::close);
			this.process.close();
			if (!this.process.waitFor(10, TimeUnit.SECONDS)) {
				throw new IOException(this.process + " does not end");
			}
		}

	}

}
