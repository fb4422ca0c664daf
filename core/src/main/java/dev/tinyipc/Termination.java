package dev.tinyipc;

import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandleProxies;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Ignores SIGTERM in a child while its parent holds the other end of the socket. A
 * service manager signals a whole group of processes at once, while the parent still
 * waits for replies. Once it has them, the parent closes its end, which ends the child.
 *
 * <p>
 * The signal is handled rather than set to be ignored, which programs that the child
 * starts would inherit. {@code sun.misc.Signal} is looked up because not every runtime
 * image has it, and compilers warn of it.
 */
final class Termination {

	private static final Logger logger = LoggerFactory.getLogger(IpcServer.class);

	/** What the JVM exits with by default. */
	private static final int EXIT_CODE = 128 + LibC.SIGTERM;

	private final IpcSocket socket;

	private Termination(IpcSocket socket) {
		this.socket = socket;
	}

	/** Does nothing where the JVM does not allow a handler, as with -Xrs. */
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
			logger.debug("SIGTERM ends this child at once, even with a request in flight", ex);
		}
	}

	@SuppressWarnings("unused") // through a method handle
	private void onSignal(Object signal) {
		if (this.socket.receiver().isHungUp()) {
			System.exit(EXIT_CODE);
		}
		logger.debug("SIGTERM does not end this child before its parent closes the socket");
	}

}
