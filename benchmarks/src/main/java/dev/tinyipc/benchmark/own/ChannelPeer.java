package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.OwnedFd;

/**
 * A child that is talked to by an {@link IpcChannel}.
 *
 * @param process the child
 * @param channel over its socket
 */
record ChannelPeer(IpcProcess process, IpcChannel channel) implements TypedSession.Peer {

	@Override
	public void send(Object payload) throws IOException {
		this.channel.send(payload);
	}

	@Override
	public <R> R receive(Class<R> type) throws IOException {
		try (IpcMessage<R> message = this.channel.receive(type)) {
			return message.payload();
		}
	}

	@Override
	public <R> R exchange(Object payload, Class<R> type, OwnedFd... descriptors) throws IOException {
		this.channel.send(payload, descriptors);
		return receive(type);
	}

	@Override
	public void close() throws IOException, InterruptedException {
		new RawContender.Peer(this.process, List.of(this.process.socket())).close();
	}

}
