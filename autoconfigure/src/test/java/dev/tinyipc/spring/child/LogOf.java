package dev.tinyipc.spring.child;

import java.util.List;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.AppenderBase;
import org.slf4j.LoggerFactory;

/** What one logger logs, until this is closed. */
final class LogOf extends AppenderBase<ILoggingEvent> implements AutoCloseable {

	private final Logger logger;

	private final Queue<ILoggingEvent> events = new ConcurrentLinkedQueue<>();

	LogOf(String logger) {
		this.logger = (Logger) LoggerFactory.getLogger(logger);
		this.logger.addAppender(this);
		// Its lines are many, and the console is for others.
		this.logger.setAdditive(false);
		start();
	}

	@Override
	protected void append(ILoggingEvent event) {
		this.events.add(event);
	}

	List<String> of(Level level) {
		return this.events.stream()
			.filter((event) -> event.getLevel() == level)
			.map(ILoggingEvent::getFormattedMessage)
			.toList();
	}

	@Override
	public void close() {
		stop();
		this.logger.detachAppender(this);
		this.logger.setAdditive(true);
	}

}
