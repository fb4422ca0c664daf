package dev.tinyipc.spring.observation;

import dev.tinyipc.IpcContext;
import io.micrometer.observation.transport.RequestReplyReceiverContext;

/**
 * The context of {@link IpcObservationDocumentation#PROCESS}. Its carrier is the request,
 * whose headers continue a trace.
 */
public class IpcProcessObservationContext extends RequestReplyReceiverContext<IpcContext, Object> {

	private final String peer;

	private final IpcContext request;

	private volatile boolean ended;

	/**
	 * Creates a context.
	 * @param peer who asks
	 * @param request the request
	 */
	@SuppressWarnings("this-escape") // to setters, which only set
	public IpcProcessObservationContext(String peer, IpcContext request) {
		super((carrier, name) -> carrier.headers().get(name));
		setCarrier(request);
		setRemoteServiceName(peer);
		this.peer = peer;
		this.request = request;
	}

	/**
	 * Who asks.
	 * @return the name of a child, or {@code parent}
	 */
	public String getPeer() {
		return this.peer;
	}

	/**
	 * The method that the request names.
	 * @return the method; empty for none
	 */
	public String getMethod() {
		return this.request.method().orElse("");
	}

	/**
	 * Whether nobody waits for the reply.
	 * @return whether the request was cancelled
	 */
	public boolean isCancelled() {
		return this.request.isCancelled();
	}

	/**
	 * Whether the request was answered, so that its outcome is known.
	 * @return whether it has ended
	 */
	public boolean isEnded() {
		return this.ended;
	}

	void ended() {
		this.ended = true;
	}

}
