package dev.tinyipc.benchmark.peer;

import java.io.IOException;

import org.agrona.concurrent.UnsafeBuffer;

/** The child of {@link AeronContender}. */
final class AeronChild {

	private static volatile boolean running = true;

	private AeronChild() {
	}

	/**
	 * Serves until the parent closes the input.
	 * @param arguments the kind, the folder of the media driver, the size of a message
	 */
	public static void main(String[] arguments) {
		Thread watch = new Thread(AeronChild::awaitEnd);
		watch.setDaemon(true);
		watch.start();
		try (AeronEnd end = AeronEnd.child(arguments[1])) {
			if (Kind.valueOf(arguments[0]) == Kind.COUNT) {
				count(end);
			}
			else {
				echo(end, Integer.parseInt(arguments[2]));
			}
		}
	}

	private static void awaitEnd() {
		try {
			System.in.readAllBytes();
		}
		catch (IOException ex) {
			// The parent has ended, too.
		}
		running = false;
	}

	private static void echo(AeronEnd end, int size) {
		while (end.receive(() -> running)) {
			end.send(end.received(), size);
		}
	}

	private static void count(AeronEnd end) {
		UnsafeBuffer answer = new UnsafeBuffer(new byte[Long.BYTES]);
		long count = 0;
		while (end.receive(() -> running)) {
			count++;
			if (end.received().getByte(0) == 1) {
				answer.putLong(0, count);
				end.send(answer, Long.BYTES);
				count = 0;
			}
		}
	}

}
