package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.AccessDeniedException;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;

/**
 * Makes the attempts of the probe in C in Java. What an attempt is, and what its outcome
 * means, says {@code probe.h}. Each is made in a thread of its own: some of what may be
 * gained belongs to a thread.
 */
final class JavaProbe {

	private JavaProbe() {
	}

	public static void main(String[] args) throws Exception {
		Target target = Target.of(args);
		Map<String, Attempt> ways = new LinkedHashMap<>();
		JavaFileWays.addTo(ways, target);
		JavaCallWays.addTo(ways, target);
		JavaProcessWays.addTo(ways, target);
		for (Map.Entry<String, Attempt> way : ways.entrySet()) {
			Thread thread = new Thread(() -> System.out.println(way.getKey() + '\t' + outcome(way.getValue())));
			thread.start();
			thread.join();
		}
		System.exit(0); // whatever threads an attempt has left
	}

	private static String outcome(Attempt attempt) {
		try {
			attempt.make();
			return "allowed";
		}
		catch (Exception | LinkageError ex) {
			return "refused " + reason(ex);
		}
	}

	private static String reason(Throwable ex) {
		if (ex instanceof Refused) {
			return ex.getMessage();
		}
		String message = String.valueOf(ex.getMessage());
		if (ex instanceof AccessDeniedException || message.contains("Permission denied")) {
			return "EACCES";
		}
		return message.contains("Operation not permitted") ? "EPERM" : ex.getClass().getSimpleName() + ": " + message;
	}

	/** It returns if it worked. */
	interface Attempt {

		void make() throws Exception;

	}

	/** The error that a system call was refused with. */
	static final class Refused extends IOException {

		private static final long serialVersionUID = 1;

		Refused(int error) {
			super(Stream.of(Errno.values())
				.filter((errno) -> errno.number == error)
				.map(Enum::name)
				.findFirst()
				.orElse("error " + error));
		}

	}

	/** Where and whom attempts are aimed at, as in {@code probe.h}. */
	record Target(String outside, String writable, int parent, int sibling, int guard, int tcp, int udp,
			List<OwnedFd> passed) {

		static Target of(String[] args) throws IpcException {
			IpcSocket socket = IpcSocket.inherited().orElseThrow();
			List<OwnedFd> passed;
			try (Packet packet = socket.receive(ByteBuffer.allocate(1))) {
				passed = IntStream.range(0, packet.descriptors().size()).mapToObj(packet::take).toList();
			}
			List<Integer> numbers = Stream.of(args).skip(3).map(Integer::valueOf).toList();
			return new Target(args[1], args[2], numbers.get(0), numbers.get(1), numbers.get(2), numbers.get(3),
					numbers.get(4), passed);
		}

		/** A descriptor by its place in {@code enum passed}. */
		int passed(int place) {
			return this.passed.get(place).fd();
		}

	}

}
