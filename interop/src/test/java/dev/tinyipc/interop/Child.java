package dev.tinyipc.interop;

import java.io.Closeable;
import java.io.File;
import java.io.IOException;
import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Sandbox;
import tools.jackson.databind.JsonNode;

import static org.assertj.core.api.Assertions.assertThat;

/** A child that runs, and what it is asked. */
final class Child implements Closeable {

	static final Duration PATIENCE = Duration.ofSeconds(60);

	private final IpcProcess process;

	private final IpcChannel channel;

	Child(List<String> command) throws IOException {
		this(command, Map.of());
	}

	/** Starts it with more in its environment. */
	Child(List<String> command, Map<String, String> variables) throws IOException {
		this(command, variables, Sandbox.of(Sandbox.Profile.NONE));
	}

	/** Starts it so that it may do no more than a sandbox allows. */
	Child(List<String> command, Map<String, String> variables, Sandbox sandbox) throws IOException {
		IpcProcessBuilder builder = new IpcProcessBuilder(command).redirectInput(Redirect.from(new File("/dev/null")))
			.redirectOutput(Redirect.DISCARD)
			.redirectError(Redirect.appendTo(Programs.TARGET.resolve("children.log").toFile()))
			.sandbox(sandbox);
		builder.environment().putAll(variables);
		this.process = builder.start();
		this.process.socket().setReceiveTimeout(PATIENCE);
		this.process.socket().setSendTimeout(PATIENCE);
		this.channel = IpcChannel.over(this.process.socket());
	}

	/** Starts one that may say hello. */
	static Child invited(Language language) throws Exception {
		language.require();
		return new Child(language.command(), Map.of("TINY_IPC_HELLO", "1"));
	}

	IpcSocket socket() {
		return this.process.socket();
	}

	IpcChannel channel() {
		return this.channel;
	}

	/** Asks and returns the reply, which is closed with its descriptors. */
	JsonNode ask(Object request, OwnedFd... descriptors) throws IpcException {
		try (IpcMessage<JsonNode> reply = exchange(request, descriptors)) {
			return reply.payload();
		}
	}

	IpcMessage<JsonNode> exchange(Object request, OwnedFd... descriptors) throws IpcException {
		this.channel.send(request, descriptors);
		IpcMessage<JsonNode> reply = this.channel.receive(JsonNode.class);
		assertThat(reply).as("the reply to " + request).isNotNull();
		return reply;
	}

	JsonNode echo(Object payload) throws IpcException {
		return ask(Map.of("do", "echo", "payload", payload));
	}

	/** Asks for what cannot be done. */
	IpcException.Remote error(Object request, OwnedFd... descriptors) throws IpcException {
		try {
			throw new AssertionError("The reply to " + request + " is " + ask(request, descriptors));
		}
		catch (IpcException.Remote ex) {
			return ex;
		}
	}

	/**
	 * What its open descriptors are open on, once it has closed those of its last
	 * request.
	 */
	List<String> descriptors() throws IOException {
		echo("the request before is done with");
		return openDescriptors();
	}

	/** What its open descriptors are open on at this moment. */
	List<String> openDescriptors() throws IOException {
		try (Stream<Path> open = Files.list(Path.of("/proc", Long.toString(this.process.pid()), "fd"))) {
			List<String> targets = new ArrayList<>();
			for (Path descriptor : open.toList()) {
				try {
					targets.add(Files.readSymbolicLink(descriptor).toString());
				}
				catch (NoSuchFileException ex) {
					// It has just been closed.
				}
			}
			return targets.stream().filter((target) -> !isOfRuntime(target)).sorted().toList();
		}
	}

	/**
	 * Go's runtime opens two for itself, at a time of its own. A JVM that compiles looks
	 * at its limits again and again.
	 */
	private static boolean isOfRuntime(String target) {
		return target.startsWith("anon_inode:[event") || target.startsWith("/sys/fs/cgroup/");
	}

	/** What its open sockets are, at this moment. */
	List<String> openSockets() throws IOException {
		return openDescriptors().stream().filter((target) -> target.startsWith("socket:")).toList();
	}

	/** Whether it has mapped a file whose name has this in it, at this moment. */
	boolean maps(String name) throws IOException {
		return mappings(name) > 0;
	}

	/** How many files it has mapped whose names have this in them, at this moment. */
	long mappings(String name) throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(this.process.pid()), "maps"))) {
			return lines.filter((line) -> line.contains(name)).count();
		}
	}

	/** Asks it to end, as a parent does some time after it has closed its end. */
	void terminate() {
		this.process.destroy();
	}

	/** Waits for its end. */
	ExitStatus exit() throws InterruptedException {
		assertThat(this.process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).as("it ended").isTrue();
		return this.process.exitStatus().orElseThrow();
	}

	@Override
	public void close() {
		this.process.close();
		this.process.destroyForcibly();
	}

}
