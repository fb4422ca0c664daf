package dev.tinyipc.spring;

import java.time.Duration;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Keeps exceptions and errors of an observer away from the calls that it observes, and
 * logs the first one for each destination.
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
		tell((observer) -> observer.acquired(waited));
	}

	@Override
	public void sent(long bytes, int descriptors) {
		tell((observer) -> observer.sent(bytes, descriptors));
	}

	@Override
	public void received(long bytes, int descriptors) {
		tell((observer) -> observer.received(bytes, descriptors));
	}

	@Override
	public void exchanged(Duration duration) {
		tell((observer) -> observer.exchanged(duration));
	}

	@Override
	public void failed(IpcMessagingException error) {
		tell((observer) -> observer.failed(error));
	}

	private void tell(Consumer<IpcObserver.Destination> news) {
		try {
			news.accept(this.observer);
		}
		catch (RuntimeException | Error ex) {
			failed(ex);
		}
	}

	private void failed(Throwable failure) {
		if (!this.failed) {
			this.failed = true;
			logger.warn("An observer of destination '{}' failed; further failures are not logged", this.destination,
					failure);
		}
	}

}
