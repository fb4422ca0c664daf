package dev.tinyipc.benchmark.own;

import java.time.Duration;
import java.util.List;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcServer;
import dev.tinyipc.benchmark.Contender;

/**
 * {@code IpcChannel} to a child that says hello, through memory or over the socket. Its
 * child in C echoes or counts frames without looking into them.
 */
public final class MemoryContender implements Contender {

	private static final int RING_SIZE = 256 * 1024;

	private static final Duration TIMEOUT = Duration.ofSeconds(10);

	private final boolean memory;

	private final boolean javaChild;

	/**
	 * Made by the harness.
	 * @param arguments {@code memory} or {@code socket}, then {@code c} or {@code java}
	 */
	public MemoryContender(List<String> arguments) {
		this.memory = arguments.get(0).equals("memory");
		this.javaChild = arguments.get(1).equals("java");
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		String type = TypedSession.childType(work);
		IpcProcessBuilder builder = new IpcProcessBuilder(command(type)).inheritIO()
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.spinTime(SpinTime.wanted().orElse(Duration.ZERO));
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		IpcProcess process = builder.start();
		IpcChannel channel = IpcChannel.over(process.socket());
		IpcRequester requester = IpcRequester.over(channel, "the benchmark's child");
		requester.awaitHello(Deadline.in(TIMEOUT));
		if (this.memory) {
			requester.share(RING_SIZE, Deadline.in(TIMEOUT));
		}
		return TypedSession.prepare(new ChannelPeer(process, channel), work, parameters);
	}

	private List<String> command(String type) throws CannotException {
		if (!this.javaChild) {
			return List.of(ChildProgram.c().get(0) + "-memory", type);
		}
		if (type.equals("count")) {
			throw new CannotException("a server answers each message");
		}
		return ChildProgram.java(List.of("-Xmx256m", "-Dtype=" + type), ServedChild.class);
	}

}
