package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.time.Duration;

import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.benchmark.Contender;

/** Round trips on many sockets at once, taken as the poller says. */
final class PollerSession implements Contender.Session {

	private final RawContender.Peer peer;

	private final RawMessage message;

	private final IpcPoller poller;

	PollerSession(RawContender.Peer peer, int size) throws IOException {
		this.peer = peer;
		this.message = new RawMessage(size);
		this.poller = IpcPoller.open();
		for (IpcSocket socket : peer.sockets()) {
			this.poller.add(socket, IpcPoller.Interest.READ);
		}
	}

	@Override
	public Contender.Result run(Duration duration) throws Exception {
		Contender.Result rounds = Contender.repeat(duration, this::pollAll);
		return new Contender.Result(rounds.operations() * this.peer.sockets().size(), rounds.nanoseconds());
	}

	private void pollAll() throws IOException {
		for (IpcSocket socket : this.peer.sockets()) {
			this.message.send(socket);
		}
		for (int left = this.peer.sockets().size(); left > 0;) {
			for (IpcPoller.Event event : this.poller.await(null)) {
				this.message.receive(event.socket());
				left--;
			}
		}
	}

	@Override
	public void close() throws Exception {
		this.poller.close();
		this.peer.close();
	}

}
