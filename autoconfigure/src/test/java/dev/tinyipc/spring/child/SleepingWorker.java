package dev.tinyipc.spring.child;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;

/**
 * A child in Java that answers a text with the same text, after the time that it says.
 */
final class SleepingWorker {

	private SleepingWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.serve(String.class, (request) -> {
			Thread.sleep(millis(request.payload()));
			return request.payload();
		});
	}

	/** As {@code raw_worker.py} does: {@code "sleep <seconds> <anything>"}. */
	private static long millis(String request) {
		String[] words = request.split(" ");
		return words[0].equals("sleep") ? (long) (1000 * Double.parseDouble(words[1])) : 0;
	}

}
