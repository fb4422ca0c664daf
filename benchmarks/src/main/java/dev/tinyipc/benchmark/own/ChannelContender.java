package dev.tinyipc.benchmark.own;

import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.benchmark.Contender;

/**
 * {@code IpcChannel}: CBOR in frames, to a child in Java, or to one in C that echoes or
 * counts frames without looking into them.
 */
public final class ChannelContender implements Contender {

	private final boolean javaChild;

	private final List<String> childFlags;

	/**
	 * Made by the harness.
	 * @param arguments {@code c} or {@code java}, and flags for a child in Java
	 */
	public ChannelContender(List<String> arguments) {
		this.javaChild = arguments.get(0).equals("java");
		this.childFlags = arguments.subList(1, arguments.size());
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		if (work.equals("callers") || work.equals("pool")) {
			throw new CannotException("no pool");
		}
		if (work.equals("fetch")) {
			if (!this.javaChild) {
				throw new CannotException("this child in C does not stream");
			}
			return RequesterFetch.prepare(java(ServedChild.class, "fetch"), parameters.get(0));
		}
		if (work.equals("descriptor") && !this.javaChild) {
			throw new CannotException("this child in C takes no descriptors");
		}
		String type = TypedSession.childType(work);
		IpcProcess process = new IpcProcessBuilder(command(type)).inheritIO()
			.redirectOutput(ProcessBuilder.Redirect.DISCARD)
			.start();
		return TypedSession.prepare(
				new ChannelPeer(process,
						IpcChannel.over(process.socket()).withMaxMessageSize(ChannelChild.MAX_MESSAGE_SIZE)),
				work, parameters);
	}

	private List<String> command(String type) {
		if (this.javaChild) {
			return java(ChannelChild.class, type);
		}
		return ChildProgram.c(type.equals("count") ? "frames-oneway" : "frames",
				Integer.toString(ChannelChild.MAX_MESSAGE_SIZE), "1");
	}

	private List<String> java(Class<?> main, String type) {
		List<String> flags = new ArrayList<>(List.of("-Xmx256m"));
		flags.addAll(this.childFlags);
		flags.add("-Dtype=" + type);
		return ChildProgram.java(flags, main);
	}

}
