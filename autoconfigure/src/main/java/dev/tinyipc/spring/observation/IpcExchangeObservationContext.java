package dev.tinyipc.spring.observation;

import java.util.LinkedHashMap;
import java.util.Map;

import io.micrometer.observation.transport.RequestReplySenderContext;

/**
 * The context of {@link IpcObservationDocumentation#EXCHANGE}. Its carrier is the headers
 * of the request.
 */
public class IpcExchangeObservationContext extends RequestReplySenderContext<Map<String, String>, Object> {

	private final String destination;

	private final String method;

	private volatile boolean cancelled;

	private volatile boolean ended;

	/**
	 * Creates a context with no headers.
	 * @param destination whom the request goes to
	 * @param method the method that it names; empty for none
	 */
	@SuppressWarnings("this-escape") // to setters, which only set
	public IpcExchangeObservationContext(String destination, String method) {
		super((headers, name, value) -> {
			if (headers != null) {
				headers.put(name, value);
			}
		});
		setCarrier(new LinkedHashMap<>());
		setRemoteServiceName(destination);
		this.destination = destination;
		this.method = method;
	}

	/**
	 * Whom the request goes to.
	 * @return the name of a child, or {@code parent}
	 */
	public String getDestination() {
		return this.destination;
	}

	/**
	 * The method that the request names.
	 * @return the method; empty for none
	 */
	public String getMethod() {
		return this.method;
	}

	/**
	 * Whether the reply is streamed, and was closed before its end.
	 * @return whether nobody waited for the rest of it
	 */
	public boolean isCancelled() {
		return this.cancelled;
	}

	/**
	 * Whether the exchange has ended, so that its outcome is known.
	 * @return whether it has ended
	 */
	public boolean isEnded() {
		return this.ended;
	}

	void cancelled() {
		this.cancelled = true;
	}

	void ended() {
		this.ended = true;
	}

}
