package dev.tinyipc;

import java.lang.ref.Cleaner;

import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Warns of descriptors, and of messages that share memory with the peer, that were
 * garbage collected before they were closed, with the place where they were created or
 * received, if the system property {@value #PROPERTY} is {@code true}. It closes nothing:
 * the number may still be in use through {@link OwnedFd#fd()}.
 */
final class LeakDetector implements Runnable {

	static final String PROPERTY = "tinyipc.leak-detection";

	private static final Logger logger = LoggerFactory.getLogger(LeakDetector.class);

	private static final @Nullable Cleaner cleaner = Boolean.getBoolean(PROPERTY) ? Cleaner.create() : null;

	/** Stands in for all descriptors while detection is off. */
	static final LeakDetector NONE = new LeakDetector("");

	private final String description;

	private final Throwable creation = new Throwable("It was created here");

	private volatile boolean closed;

	private LeakDetector(String description) {
		this.description = description;
	}

	static LeakDetector watch(OwnedFd descriptor) {
		return (cleaner != null) ? watch(descriptor, descriptor.toString()) : NONE;
	}

	/** Watches anything that has to be closed. */
	static LeakDetector watch(Object owner, String description) {
		Cleaner running = cleaner;
		if (running == null) {
			return NONE;
		}
		LeakDetector detector = new LeakDetector(description);
		running.register(owner, detector);
		return detector;
	}

	/** Called when the owner is closed, or ownership is given up. */
	void forget() {
		if (this != NONE) {
			this.closed = true;
		}
	}

	@Override
	public void run() {
		if (!this.closed) {
			logger.warn("{} was never closed", this.description, this.creation);
		}
	}

}
