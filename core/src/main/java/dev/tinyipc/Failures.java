package dev.tinyipc;

import org.slf4j.Logger;

/** Logs failures of threads that must keep running, whatever happens. */
final class Failures {

	private Failures() {
	}

	static void log(Logger logger, String what, Throwable failure) {
		try {
			logger.error(what, failure);
		}
		catch (RuntimeException | Error ex) {
			// There is no memory left to log with, or the appender failed.
		}
	}

}
