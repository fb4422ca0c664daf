package dev.tinyipc;

import org.slf4j.Logger;

/** Says what went wrong in a thread that must go on, whatever it is. */
final class Failures {

	private Failures() {
	}

	static void log(Logger logger, String what, Throwable failure) {
		try {
			logger.error(what, failure);
		}
		catch (RuntimeException | Error ex) {
			// There is nothing left to say it with: no memory, or an appender that fails.
		}
	}

}
