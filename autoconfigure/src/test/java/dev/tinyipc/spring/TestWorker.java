package dev.tinyipc.spring;

import java.lang.management.ManagementFactory;
import java.util.List;

import com.sun.management.HotSpotDiagnosticMXBean;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;

/**
 * A child in Java without Spring, that does what its requests say and ends when its
 * socket does.
 */
public final class TestWorker {

	private TestWorker() {
	}

	public static void main(String[] arguments) throws Exception {
		IpcChannel channel = IpcChannel.over(IpcSocket.inherited().orElseThrow());
		while (true) {
			try (IpcMessage<Request> request = channel.receive(Request.class)) {
				if (request == null) {
					return;
				}
				serve(channel, request);
			}
		}
	}

	private static void serve(IpcChannel channel, IpcMessage<Request> message) throws Exception {
		Request request = message.payload();
		switch (request.does()) {
			case "echo" -> channel.send(new Reply(request.text(), ProcessHandle.current().pid()));
			case "read" -> channel.send(new Reply(new String(message.descriptors().get(0).inputStream().readAllBytes()),
					ProcessHandle.current().pid()));
			case "give" ->
				channel.send(new Reply(request.text(), ProcessHandle.current().pid()), message.descriptors().get(0));
			case "twice" -> {
				channel.send(new Reply("first", 0));
				channel.send(new Reply("second", 0));
			}
			case "list" -> channel.send(List.of(1, 2, 3));
			case "environment" ->
				channel.send(new Reply(String.valueOf(System.getenv(request.text())), ProcessHandle.current().pid()));
			case "property" ->
				channel.send(new Reply(System.getProperty(request.text()), ProcessHandle.current().pid()));
			case "flag" -> channel.send(new Reply(flag(request.text()), ProcessHandle.current().pid()));
			case "print" -> {
				System.out.println(request.text());
				System.err.println(request.text());
				channel.send(new Reply("", 0));
			}
			case "answer late" -> {
				Thread.sleep(500);
				channel.send(new Reply("late", 0));
			}
			case "say nothing" -> {
			}
			case "die" -> Runtime.getRuntime().halt(7);
			default -> throw new IllegalArgumentException(request.does());
		}
	}

	private static String flag(String name) {
		return ManagementFactory.getPlatformMXBean(HotSpotDiagnosticMXBean.class).getVMOption(name).getValue();
	}

	/**
	 * Asks for something.
	 *
	 * @param does what
	 * @param text with what
	 */
	public record Request(String does, String text) {

	}

	/**
	 * Answers.
	 *
	 * @param text what came of it
	 * @param pid who answered
	 */
	public record Reply(String text, long pid) {

	}

}
