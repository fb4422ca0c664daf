package dev.tinyipc.benchmark;

import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

import org.jspecify.annotations.Nullable;

/**
 * Lets the harness drive a {@link Contender}, by lines on standard input and output, as
 * {@code README.md} describes them. What the contender itself prints goes to standard
 * error.
 */
public final class ContenderMain {

	private final Contender contender;

	private final PrintStream answers;

	private Contender.@Nullable Session session;

	private ContenderMain(Contender contender, PrintStream answers) {
		this.contender = contender;
		this.answers = answers;
	}

	/**
	 * Serves the harness until it says {@code quit} or closes the input.
	 * @param arguments the name of a class that implements {@link Contender} and has a
	 * constructor without parameters, or one that takes the arguments behind the name
	 * @throws Exception if the contender failed
	 */
	public static void main(String[] arguments) throws Exception {
		PrintStream answers = new PrintStream(new FileOutputStream(FileDescriptor.out), true, StandardCharsets.UTF_8);
		System.setOut(System.err);
		int status = 1;
		try {
			new ContenderMain(create(List.of(arguments)), answers)
				.serve(new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8)));
			status = 0;
		}
		finally {
			// Whatever threads of the contender's library are left.
			System.exit(status);
		}
	}

	private static Contender create(List<String> arguments) throws ReflectiveOperationException {
		Class<? extends Contender> type = Class.forName(arguments.get(0)).asSubclass(Contender.class);
		if (arguments.size() == 1) {
			return type.getDeclaredConstructor().newInstance();
		}
		return type.getDeclaredConstructor(List.class).newInstance(arguments.subList(1, arguments.size()));
	}

	private void serve(BufferedReader requests) throws Exception {
		String request;
		while ((request = requests.readLine()) != null && !request.equals("quit")) {
			List<String> words = List.of(request.split(" "));
			try {
				this.answers.println(answer(words));
			}
			catch (Contender.CannotException ex) {
				this.answers.println("cannot " + ex.getMessage());
			}
			catch (Exception | Error ex) {
				ex.printStackTrace();
				this.answers.println("failed " + ex.toString().lines().findFirst().orElse(""));
			}
		}
		end();
	}

	private String answer(List<String> words) throws Exception {
		switch (words.get(0)) {
			case "prepare" -> {
				end();
				this.session = this.contender.prepare(words.get(1), words.subList(2, words.size()));
				return "ready";
			}
			case "run" -> {
				if (this.session == null) {
					throw new IllegalStateException("nothing is prepared");
				}
				return line(this.session.run(Duration.ofMillis(Long.parseLong(words.get(1)))));
			}
			case "done" -> {
				end();
				return "ok";
			}
			default -> throw new IllegalArgumentException(words.get(0));
		}
	}

	private static String line(Contender.Result result) {
		StringBuilder line = new StringBuilder("result " + result.operations() + ' ' + result.nanoseconds());
		for (Map.Entry<String, Double> figure : new TreeMap<>(result.more()).entrySet()) {
			line.append(' ').append(figure.getKey()).append('=').append(figure.getValue());
		}
		return line.toString();
	}

	private void end() throws Exception {
		Contender.Session ended = this.session;
		this.session = null;
		if (ended != null) {
			ended.close();
		}
	}

}
