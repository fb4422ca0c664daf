package dev.tinyipc;

import java.time.Duration;
import java.time.temporal.ChronoUnit;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/**
 * The socket of this process's parent, adopted once. See {@link IpcSocket#inherited()}.
 */
final class InheritedSocket {

	/** How long the parent wants a receive to spin, in microseconds. */
	static final String SPIN_VARIABLE = "TINY_IPC_SPIN_MICROS";

	private static @Nullable IpcSocket socket;

	private InheritedSocket() {
	}

	static synchronized Optional<IpcSocket> get() throws IpcException {
		String number = System.getenv(IpcSocket.FD_VARIABLE);
		if (socket == null && number != null) {
			Duration spinTime = spinTime();
			IpcSocket adopted = adopt(number);
			adopted.setCloseOnExec(true);
			adopted.setSpinTime(spinTime);
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

	private static Duration spinTime() throws IpcException {
		String micros = System.getenv(SPIN_VARIABLE);
		try {
			return (micros != null) ? Spin.checkLimit(Duration.of(Long.parseLong(micros), ChronoUnit.MICROS))
					: Duration.ZERO;
		}
		catch (IllegalArgumentException | ArithmeticException ex) {
			throw new IpcException("The environment says " + SPIN_VARIABLE + '=' + micros
					+ ", which is not a number of microseconds up to 10000: correct it, or remove it from the environment",
					ex);
		}
	}

	private static IpcException unusable(String number, Exception cause) {
		return new IpcException("The environment says " + IpcSocket.FD_VARIABLE + '=' + number
				+ ", which is not a socket from a parent: " + cause.getMessage()
				+ ". If the variable was meant for the program that started this one, remove it from the environment",
				cause);
	}

}
