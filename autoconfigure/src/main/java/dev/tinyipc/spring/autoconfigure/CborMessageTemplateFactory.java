package dev.tinyipc.spring.autoconfigure;

import java.time.Duration;
import java.util.Collection;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcObserver;
import org.jspecify.annotations.Nullable;

/**
 * Creates templates that differ only in their default destination: the auto-configured
 * one, and one for each child.
 */
class CborMessageTemplateFactory {

	private final Collection<IpcDestination> destinations;

	private final IpcObserver observer;

	private final IpcInstrumentation instrumentation;

	private final Duration timeout;

	private final boolean virtualThreads;

	CborMessageTemplateFactory(Collection<IpcDestination> destinations, IpcObserver observer,
			IpcInstrumentation instrumentation, Duration timeout, boolean virtualThreads) {
		this.destinations = destinations;
		this.observer = observer;
		this.instrumentation = instrumentation;
		this.timeout = timeout;
		this.virtualThreads = virtualThreads;
	}

	/**
	 * The factory method of the beans that are registered for children.
	 * @param defaultDestination null for the only destination
	 */
	CborMessageTemplate template(@Nullable String defaultDestination) {
		CborMessageTemplate template = new CborMessageTemplate(this.destinations, this.observer, this.instrumentation);
		template.setDefaultDestination(defaultDestination);
		template.setTimeout(this.timeout);
		template.setVirtualThreads(this.virtualThreads);
		return template;
	}

}
