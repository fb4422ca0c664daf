package dev.tinyipc.spring;

import java.time.Duration;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps exceptions and errors of an observer away from the calls that it observes, and
 * logs the first one for each destination. It makes no object for a message.
 */
final class GuardedObserver implements IpcObserver.Destination {

	private static final Logger logger = LoggerFactory.getLogger(IpcObserver.class);

	private final IpcObserver.Destination observer;

	private final String destination;

	private volatile boolean failed;

	private GuardedObserver(IpcObserver.Destination observer, String destination) {
		this.observer = observer;
		this.destination = destination;
	}

	static IpcObserver.Destination of(IpcObserver observer, String destination) {
		return new GuardedObserver(observer.destination(destination), destination);
	}

	@Override
	public void acquired(Duration waited) {
		try {
			this.observer.acquired(waited);
		}
		catch (RuntimeException | Error ex) {
			log(ex);
		}
	}

	@Override
	public void sent(long bytes, int descriptors) {
		try {
			this.observer.sent(bytes, descriptors);
		}
		catch (RuntimeException | Error ex) {
			log(ex);
		}
	}

	@Override
	public void received(long bytes, int descriptors) {
		try {
			this.observer.received(bytes, descriptors);
		}
		catch (RuntimeException | Error ex) {
			log(ex);
		}
	}

	@Override
	public void exchanged(Duration duration) {
		try {
			this.observer.exchanged(duration);
		}
		catch (RuntimeException | Error ex) {
			log(ex);
		}
	}

	@Override
	public void failed(IpcMessagingException error) {
		try {
			this.observer.failed(error);
		}
		catch (RuntimeException | Error ex) {
			log(ex);
		}
	}

	private void log(Throwable failure) {
		if (!this.failed) {
			this.failed = true;
			logger.warn("An observer of destination '{}' failed; further failures are not logged", this.destination,
					failure);
		}
	}

}
