package dev.tinyipc.spring.listener;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.spring.UncategorizedIpcException;
import dev.tinyipc.spring.child.ParentDestination;

/**
 * The listeners of the parent, and when they are connected to it. It is told that all is
 * ready once it is connected and the application has started, whichever is later.
 */
final class ParentConnection {

	private final ParentDestination parent;

	private final IpcServerBuilder handlers;

	private boolean started;

	private boolean connected;

	/**
	 * Creates a connection, not yet open.
	 * @param started whether nobody will say that the application has started
	 */
	ParentConnection(ParentDestination parent, IpcServerBuilder handlers, boolean started) {
		this.parent = parent;
		this.handlers = handlers;
		this.started = started;
	}

	/** Connects, unless that was done before. */
	synchronized void open() {
		if (!this.connected) {
			try {
				this.parent.serve(this.handlers);
				this.connected = true;
				sayReady();
			}
			catch (IpcException ex) {
				throw new UncategorizedIpcException("Unable to serve the parent process: " + ex.getMessage(), ex);
			}
		}
	}

	synchronized void applicationStarted() {
		if (!this.started) {
			this.started = true;
			try {
				sayReady();
			}
			catch (IpcException ex) {
				throw new UncategorizedIpcException(
						"Unable to tell the parent process that this one is ready: " + ex.getMessage(), ex);
			}
		}
	}

	private void sayReady() throws IpcException {
		if (this.connected && this.started) {
			this.parent.ready();
		}
	}

}
