package dev.tinyipc;

import java.io.Closeable;

/**
 * The two ends of a socket pair. They are alike; their names say who each is meant for.
 *
 * @param parent the end that this process keeps
 * @param child the end for the other process, to be closed here as soon as that process
 * has it: while it is open here, the parent's end does not see that the child is gone
 */
public record IpcSocketPair(IpcSocket parent, IpcSocket child) implements Closeable {

	/** Closes both ends. */
	@Override
	public void close() {
		this.parent.close();
		this.child.close();
	}

}
