package dev.tinyipc.spring;

import java.time.Instant;

/**
 * Thrown when a request was refused, and not sent, because it has killed processes of its
 * destination before. A child is protected in this way if
 * {@code ipc.children.<name>.quarantine} is set.
 */
public class IpcPoisonRequestException extends IpcMessagingException {

	private static final long serialVersionUID = 1L;

	private final Instant since;

	private final Instant until;

	private final int deaths;

	/**
	 * Says what the request has done.
	 * @param destination the peer's name
	 * @param since when a process died of the request for the first time
	 * @param until when the request may be sent again
	 * @param deaths how many processes have died of it
	 */
	public IpcPoisonRequestException(String destination, Instant since, Instant until, int deaths) {
		super("Destination '" + destination + "': the request was refused, because " + deaths
				+ " processes have died of it since " + since + ". It may be sent again after " + until
				+ "; another request may be sent now", null);
		this.since = since;
		this.until = until;
		this.deaths = deaths;
	}

	/**
	 * When a process died of the request for the first time.
	 * @return the time of that death
	 */
	public Instant since() {
		return this.since;
	}

	/**
	 * When the request may be sent again. If a process dies of it then, it is refused
	 * again.
	 * @return the end of the quarantine
	 */
	public Instant until() {
		return this.until;
	}

	/**
	 * How many processes have died of the request.
	 * @return at least 2
	 */
	public int deaths() {
		return this.deaths;
	}

}
