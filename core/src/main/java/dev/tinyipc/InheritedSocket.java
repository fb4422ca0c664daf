package dev.tinyipc;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

/**
 * The socket of this process's parent, adopted once. See {@link IpcSocket#inherited()}.
 */
final class InheritedSocket {

	private static @Nullable IpcSocket socket;

	private InheritedSocket() {
	}

	static synchronized Optional<IpcSocket> get() throws IpcException {
		String number = System.getenv(IpcSocket.FD_VARIABLE);
		if (socket == null && number != null) {
			IpcSocket adopted = adopt(number);
			adopted.setCloseOnExec(true);
			socket = adopted;
		}
		return Optional.ofNullable(socket);
	}

	private static IpcSocket adopt(String number) throws IpcException {
		try {
			return IpcSocket.adopt(Integer.parseInt(number));
		}
		catch (NumberFormatException ex) {
			throw unusable(number, ex);
		}
		catch (IpcException.NativeUnavailable ex) {
			throw ex;
		}
		catch (IpcException ex) {
			throw unusable(number, ex);
		}
	}

	private static IpcException unusable(String number, Exception cause) {
		return new IpcException("The environment says " + IpcSocket.FD_VARIABLE + '=' + number
				+ ", and this names no socket that a parent handed over: " + cause.getMessage()
				+ ". If the variable was meant for the program that started this one, remove it from the environment",
				cause);
	}

}
