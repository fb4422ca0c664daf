package dev.tinyipc.interop;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.child.IpcChild;

/**
 * An application that consumes a long stream of its child, in a JVM of its own, so that
 * it can be given little memory.
 */
final class StreamConsumer {

	private static final long UNIT = 1024;

	private StreamConsumer() {
	}

	/** Takes the number of elements, and what starts the child. */
	public static void main(String[] arguments) {
		int count = Integer.parseInt(arguments[0]);
		List<String> command = List.of(arguments).subList(1, arguments.length);
		SpringParent.application("child", command)
			.withPropertyValues("ipc.children.child.ready=true")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				long pid = context.getBean(IpcChild.class).instances().get(0).pid().orElseThrow();
				consume(template, 1000); // with what is loaded at the first use
				long before = peakMemory(pid);
				long start = System.nanoTime();
				consume(template, count);
				Duration time = Duration.ofNanos(System.nanoTime() - start);
				System.out.println("elements " + count);
				System.out.println("nanos " + time.dividedBy(count).toNanos());
				System.out.println("child " + (peakMemory(pid) - before));
			});
	}

	private static void consume(CborMessageTemplate template, int count) {
		try (Stream<Integer> numbers = template.method("stream")
			.convertSendAndStream(Map.of("count", count), Integer.class)) {
			Iterator<Integer> elements = numbers.iterator();
			for (int expected = 0; expected < count; expected++) {
				int element = elements.next();
				if (element != expected) {
					throw new IllegalStateException("element " + expected + " was " + element);
				}
			}
			if (elements.hasNext()) {
				throw new IllegalStateException("more elements than were asked for");
			}
		}
	}

	/** The largest resident size that the process has had, in bytes. */
	private static long peakMemory(long pid) throws IOException {
		try (Stream<String> lines = Files.lines(Path.of("/proc", Long.toString(pid), "status"))) {
			String peak = lines.filter((line) -> line.startsWith("VmHWM:")).findAny().orElseThrow();
			return UNIT * Long.parseLong(peak.replaceAll("\\D", ""));
		}
	}

}
