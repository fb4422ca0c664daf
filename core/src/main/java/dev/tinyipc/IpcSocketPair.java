package dev.tinyipc;

import java.io.Closeable;

/**
 * The two ends of a socket pair, which are alike: the names only say which is meant for
 * whom.
 *
 * @param parent the end that this process keeps
 * @param child the end that is given away, and closed here as soon as the other process
 * has it: while it is open here, the end of the other process's is not seen
 */
public record IpcSocketPair(IpcSocket parent, IpcSocket child) implements Closeable {

	/** Closes both ends. */
	@Override
	public void close() {
		this.parent.close();
		this.child.close();
	}

}
