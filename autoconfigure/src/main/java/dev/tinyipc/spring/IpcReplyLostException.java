package dev.tinyipc.spring;

import java.util.Optional;

import dev.tinyipc.ExitStatus;
import org.jspecify.annotations.Nullable;

/**
 * Thrown when the peer was sent a request and ended before it replied. It may have
 * carried the request out, and may have died of it.
 */
public class IpcReplyLostException extends IpcPeerUnavailableException {

	private static final long serialVersionUID = 1L;

	private final transient @Nullable PostMortem postMortem;

	/**
	 * Says what is known about the loss.
	 * @param destination the peer's name
	 * @param reason what is known about the loss
	 * @param postMortem what is known about the end of the peer's process; null if that
	 * is not known
	 * @param cause the underlying failure
	 */
	public IpcReplyLostException(String destination, String reason, @Nullable PostMortem postMortem,
			@Nullable Throwable cause) {
		super("Destination '" + destination + "': no reply came: " + reason, cause);
		this.postMortem = postMortem;
	}

	/**
	 * How the peer's process ended.
	 * @return an exit code or a signal; empty if the process is still running, or this is
	 * not known
	 */
	public Optional<ExitStatus> exitStatus() {
		return postMortem().map(PostMortem::exitStatus);
	}

	/**
	 * What is known about the end of the peer's process. The last lines of its output are
	 * here, and not in the message, which may be shown to others.
	 * @return the exit status and more; empty if the process is still running, or this is
	 * not known
	 */
	public Optional<PostMortem> postMortem() {
		return Optional.ofNullable(this.postMortem);
	}

}
