package dev.tinyipc.spring;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocketPair;

/**
 * Creates the socket pairs that connect this process to its children. A bean of this type
 * replaces the auto-configured one, for example to set a larger send buffer.
 */
@FunctionalInterface
public interface IpcSocketFactory {

	/**
	 * Creates two connected sockets, one for this process and one for a child.
	 * @return a new pair, which the caller closes
	 * @throws IpcException.NativeUnavailable if this machine has no such sockets
	 * @throws IpcException if too many files are open
	 */
	IpcSocketPair createSocketPair() throws IpcException;

}
