package dev.tinyipc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a child does on SIGTERM: nothing while its parent holds the other end of the
 * socket. A service manager sends the signal to a whole group of processes at once, and
 * the parent still waits for replies then. When it has them it closes its end, which ends
 * the child.
 *
 * <p>
 * The signal is caught and not ignored, as the programs that the child starts in turn
 * would inherit that. {@code sun.misc.Signal} is looked up, for it is not in every
 * runtime image, and compilers warn of it.
 */
final class Termination {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	/** As a shell reports it, and as the JVM exits by default. */
	private static final int EXIT_CODE = 128 + LibC.SIGTERM;

	private final IpcSocket socket;

	private Termination(IpcSocket socket) {
		this.socket = socket;
	}

	/** Leaves the signal as it is where the JVM lets nobody have it, as with -Xrs. */
	static void holdOffWhileOpen(IpcSocket socket) {
		try {
			MethodHandles.Lookup lookup = MethodHandles.lookup();
			Class<?> signal = Class.forName("sun.misc.Signal");
			Class<?> handler = Class.forName("sun.misc.SignalHandler");
			MethodHandle action = lookup.bind(new Termination(socket), "onSignal",
					MethodType.methodType(void.class, Object.class));
			signal.getMethod("handle", signal, handler)
				.invoke(null, signal.getConstructor(String.class).newInstance("TERM"),
						MethodHandleProxies.asInterfaceInstance(handler, action));
		}
		catch (ReflectiveOperationException ex) {
			logger.debug("SIGTERM ends this child at once, also with a request in flight", ex);
		}
	}

	@SuppressWarnings("unused") // through a method handle
	private void onSignal(Object signal) {
		if (parentIsGone()) {
			System.exit(EXIT_CODE);
		}
		logger.debug("SIGTERM does not end this child before its parent closes the socket");
	}

	private boolean parentIsGone() {
		OwnedFd descriptor = this.socket.descriptor();
		int fd = descriptor.borrowUnlessClosed();
		if (fd < 0) {
			return true;
		}
		try {
			return Poll.isReady(fd, (short) 0); // which tells of an end or an error only
		}
		catch (IpcException ex) {
			return true;
		}
		finally {
			descriptor.giveBack();
		}
	}

}
