package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.spring.child.ParentDestination;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.boot.SpringBootExceptionReporter;
import org.springframework.context.ConfigurableApplicationContext;

/**
 * Ends an application whose runner was talking to the parent when the parent went away.
 * That is how a child is told to end rather than a failure, so it exits with code 0.
 */
class ParentGoneReporter implements SpringBootExceptionReporter {

	private static final Logger logger = LoggerFactory.getLogger(ParentGoneReporter.class);

	private final @Nullable ConfigurableApplicationContext context;

	/**
	 * Instantiated by Boot.
	 * @param context the context of the application; null if there is none yet
	 */
	ParentGoneReporter(@Nullable ConfigurableApplicationContext context) {
		this.context = context;
	}

	/** Uses no bean, because the context may already be closed. */
	private static boolean isEnd(ConfigurableApplicationContext context, Throwable failure) {
		return hasCause(failure) && ParentDestination.isGone()
				&& context.getEnvironment().getProperty("ipc.parent.close-when-gone", Boolean.class, true);
	}

	private static boolean hasCause(@Nullable Throwable failure) {
		return failure != null && (failure instanceof IpcPeerUnavailableException || hasCause(failure.getCause()));
	}

	@Override
	public boolean reportException(Throwable failure) {
		if (this.context == null || !isEnd(this.context, failure)) {
			return false;
		}
		logger.info("The parent process is gone: exiting");
		this.context.close();
		// The runner's exception would end this thread, and so the JVM, with code 1.
		System.exit(0);
		return true;
	}

}
