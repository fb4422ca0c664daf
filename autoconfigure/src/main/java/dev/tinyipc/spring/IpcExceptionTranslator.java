package dev.tinyipc.spring;

import dev.tinyipc.IpcException;
import tools.jackson.core.JacksonException;

/** Translates the exceptions of the core and of Jackson into unchecked ones. */
final class IpcExceptionTranslator {

	private IpcExceptionTranslator() {
	}

	static IpcMessagingException translate(String destination, Exception cause) {
		if (cause instanceof IpcMessagingException translated) {
			return translated;
		}
		String message = "Destination '" + destination + "': " + cause.getMessage();
		if (cause instanceof IpcException.Timeout) {
			return new IpcTimeoutException(message, false, cause);
		}
		if (cause instanceof IpcException.Interrupted) {
			return new IpcInterruptedException(message, cause);
		}
		if (cause instanceof IpcException.PeerClosed) {
			return new IpcPeerUnavailableException(message, cause);
		}
		if (cause instanceof IpcException.Remote remote) {
			return new IpcRemoteException(message, remote.type(), remote.remoteMessage(), cause);
		}
		if (cause instanceof JacksonException) {
			return new IpcMessageConversionException(message, cause);
		}
		return new UncategorizedIpcException(message, cause);
	}

}
