package dev.tinyipc.spring;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocketPair;

/**
 * Makes the socket pairs over which children are reached. A bean of this type replaces
 * the auto-configured one, for example to set a larger send buffer.
 */
@FunctionalInterface
public interface IpcSocketFactory {

	/**
	 * Makes two connected sockets, one for this process and one for a child.
	 * @return a new pair, which the caller closes
	 * @throws IpcException if there are too many open files, or no such sockets here
	 */
	IpcSocketPair createSocketPair() throws IpcException;

}
