package dev.tinyipc.benchmark.peer;

import java.io.BufferedReader;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.own.ChildProgram;

/** A child in Java, with the flags that tiny-ipc's starter gives to a worker. */
final class ChildJvm implements AutoCloseable {

	private static final String READY = "ready ";

	private final Process process;

	private ChildJvm(Process process) {
		this.process = process;
	}

	/**
	 * Starts it. Its standard input and output are pipes.
	 * @param main its class
	 * @param kind what for, its first argument
	 * @param arguments the others
	 */
	static ChildJvm start(Class<?> main, Kind kind, String... arguments) throws IOException {
		// Messages of 16 MiB, and Netty's arenas, need room.
		return start((kind == Kind.BYTES || kind == Kind.COUNT) ? List.of("-Xmx256m") : List.of(), main, kind,
				arguments);
	}

	/** The same with other flags. */
	static ChildJvm start(List<String> flags, Class<?> main, Kind kind, String... arguments) throws IOException {
		List<String> all = new ArrayList<>(List.of(kind.name()));
		all.addAll(List.of(arguments));
		return new ChildJvm(new ProcessBuilder(ChildProgram.java(flags, main, all.toArray(String[]::new)))
			.redirectError(ProcessBuilder.Redirect.INHERIT)
			.start());
	}

	Process process() {
		return this.process;
	}

	/**
	 * Waits until the child is ready.
	 * @return what it tells with that, such as its port
	 */
	String ready() throws IOException {
		BufferedReader output = this.process.inputReader();
		String line;
		do {
			line = output.readLine();
			if (line == null) {
				throw new IOException("the child ended before it was ready");
			}
		}
		while (!line.startsWith(READY));
		return line.substring(READY.length());
	}

	/** In the child: tells the parent, then waits until that closes the input. */
	static void tellReady(String more) throws IOException {
		System.out.println(READY + more);
		System.in.readAllBytes();
	}

	/** Has the child end with its input, unless it does so for another reason. */
	@Override
	public void close() throws IOException, InterruptedException {
		try {
			this.process.getOutputStream().close();
		}
		catch (IOException ex) {
			// It has ended already, with something in its pipe.
		}
		if (!this.process.waitFor(10, TimeUnit.SECONDS)) {
			this.process.destroyForcibly().waitFor();
			throw new IOException(this.process + " does not end");
		}
	}

}
