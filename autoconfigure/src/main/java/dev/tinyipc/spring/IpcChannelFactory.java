package dev.tinyipc.spring;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcSocket;

/**
 * Creates the channels that messages are sent over, and so decides on their format and
 * maximum size. A bean of this type replaces the auto-configured one.
 */
@FunctionalInterface
public interface IpcChannelFactory {

	/**
	 * Creates a channel over a socket.
	 * @param socket this process's end of a socket pair
	 * @return the channel
	 */
	IpcChannel createChannel(IpcSocket socket);

}
