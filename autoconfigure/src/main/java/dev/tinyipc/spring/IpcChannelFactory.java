package dev.tinyipc.spring;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcSocket;

/**
 * Makes the channels over which messages go, and so decides their format and size. A bean
 * of this type replaces the auto-configured one.
 */
@FunctionalInterface
public interface IpcChannelFactory {

	/**
	 * Makes a channel.
	 * @param socket this process's end of a socket pair
	 * @return the channel over it
	 */
	IpcChannel createChannel(IpcSocket socket);

}
