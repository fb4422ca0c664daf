package dev.tinyipc.benchmark;

import java.io.BufferedReader;
import java.io.File;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A contender that runs, and how the harness talks to it. */
final class ContenderProcess implements AutoCloseable {

	private static final Path LOGS = Path.of("target", "logs");

	/** The figure that the harness adds: nanoseconds on a core, for the whole turn. */
	static final String CPU = "core";

	private final Contenders.Entry entry;

	private final Process process;

	private final BufferedReader answers;

	private final Writer requests;

	private ContenderProcess(Contenders.Entry entry, Process process) {
		this.entry = entry;
		this.process = process;
		this.answers = process.inputReader();
		this.requests = process.outputWriter();
	}

	/** Its error output goes to a file of its name in {@code target/logs}. */
	static ContenderProcess start(Contenders.Entry entry) throws IOException {
		Files.createDirectories(LOGS);
		File log = LOGS.resolve(entry.name() + ".log").toFile();
		return new ContenderProcess(entry, new ProcessBuilder(entry.command()).redirectError(log).start());
	}

	Contenders.Entry entry() {
		return this.entry;
	}

	/**
	 * Prepares a work.
	 * @return empty if it is ready, or why it cannot
	 */
	String prepare(String line) throws IOException {
		String answer = ask("prepare " + line);
		if (answer.startsWith("cannot")) {
			return answer.substring("cannot".length()).strip();
		}
		if (!answer.equals("ready")) {
			throw new IOException(answer);
		}
		return "";
	}

	/** Keeps it and its child on the processors of a layout. */
	void pin(Processors processors, Layout layout) throws IOException {
		processors.pin(this.process.toHandle(), layout);
	}

	/** Lets it, and the children to come, run anywhere. */
	void release(Processors processors) throws IOException {
		processors.release(this.process.toHandle());
	}

	Contender.Result run(Duration duration) throws IOException {
		long cpu = CpuTime.of(this.process.toHandle());
		String[] words = ask("run " + duration.toMillis()).split(" ");
		if (words.length < 3 || !words[0].equals("result")) {
			throw new IOException(String.join(" ", words));
		}
		Map<String, Double> more = new HashMap<>();
		more.put(CPU, (double) (CpuTime.of(this.process.toHandle()) - cpu));
		for (int i = 3; i < words.length; i++) {
			String[] figure = words[i].split("=", 2);
			more.put(figure[0], Double.valueOf(figure[1]));
		}
		return new Contender.Result(Long.parseLong(words[1]), Long.parseLong(words[2]), more);
	}

	void done() throws IOException {
		String answer = ask("done");
		if (!answer.equals("ok")) {
			throw new IOException(answer);
		}
	}

	private String ask(String request) throws IOException {
		this.requests.write(request + '\n');
		this.requests.flush();
		String answer = this.answers.readLine();
		if (answer == null) {
			throw new IOException("it ended, see target/logs/" + this.entry.name() + ".log");
		}
		return answer;
	}

	@Override
	public void close() throws IOException, InterruptedException {
		try {
			this.requests.write("quit\n");
			this.requests.close();
		}
		catch (IOException ex) {
			// It has ended already.
		}
		if (!this.process.waitFor(10, TimeUnit.SECONDS)) {
			this.process.destroyForcibly().waitFor();
		}
	}

}
