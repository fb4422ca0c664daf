package dev.tinyipc;

import java.io.Closeable;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/** The end of a child's server: the socket that it inherited, and the one for calls. */
final class ChildEnd implements Closeable {

	private final IpcSocket socket;

	private final IpcChannel channel;

	private final IpcHello hello;

	/** Our end and the parent's; null if the child calls nobody. */
	private final @Nullable IpcSocketPair calls;

	private final @Nullable IpcParent parent;

	private final ServedLane lane;

	private final boolean invited;

	private ChildEnd(IpcChannel channel, boolean invited, Handlers handlers, LaneWatch watch, int threads,
			boolean mayCall) throws IpcException {
		this.socket = channel.socket();
		this.channel = channel;
		this.invited = invited;
		this.hello = new IpcHello(IpcHello.PROTOCOL, true, true, threads, handlers.methods(), channel.maxMessageSize(),
				0, true, channel.maxBlocksSize());
		this.calls = (this.invited && mayCall) ? IpcSocket.pair() : null;
		this.parent = (this.calls != null)
				? IpcParent.over(channel.withBlocks(0).onLane(this.calls.parent()), handlers.instrumentation()) : null;
		this.lane = this.invited ? new ServedPeer(handlers, watch, threads, threads > 1, this.parent).first(channel)
				: new ServedLane(channel, handlers, null);
	}

	/**
	 * Connects to the parent.
	 * @param given the channel to it; null for one as the parent wants it
	 */
	static ChildEnd connect(@Nullable IpcChannel given, Handlers handlers, LaneWatch watch, int threads,
			boolean mayCall) throws IpcException {
		IpcSocket socket = (given != null) ? given.socket() : inherited();
		boolean connected = false;
		try {
			Termination.holdOffWhileOpen(socket);
			boolean invited = ParentSettings.invitesHello();
			IpcChannel channel = (given != null) ? given : ParentSettings.channelOver(socket);
			ChildEnd end = new ChildEnd(invited ? channel.withBlocks(ParentSettings.maxBlocksSize()) : channel, invited,
					handlers, watch, threads, mayCall);
			connected = true;
			return end;
		}
		finally {
			if (!connected) {
				socket.close();
			}
		}
	}

	/** As if the channel led to a parent that has invited this process to say hello. */
	static ChildEnd over(IpcChannel channel, Handlers handlers, LaneWatch watch, int threads, boolean mayCall)
			throws IpcException {
		return new ChildEnd(channel, true, handlers, watch, threads, mayCall);
	}

	private static IpcSocket inherited() throws IpcException {
		return IpcSocket.inherited()
			.orElseThrow(() -> new IllegalStateException("This program was not started as a child: the environment"
					+ " variable " + IpcSocket.FD_VARIABLE + " is not set. Start it through IpcProcessBuilder,"
					+ " or declare it with @ChildProcess"));
	}

	/** To call the parent; empty if it has not invited this process to say hello. */
	Optional<IpcParent> parent() {
		return Optional.ofNullable(this.parent);
	}

	/**
	 * Says hello, if invited.
	 * @return whether the parent is still there
	 */
	boolean greet() throws IpcException {
		if (!this.invited) {
			return true;
		}
		try {
			if (this.calls == null) {
				this.channel.sendHello(this.hello);
			}
			else {
				this.channel.sendHello(this.hello, this.calls.child().descriptor());
				this.calls.child().close();
			}
			return true;
		}
		catch (IpcException.PeerClosed ex) {
			return false;
		}
	}

	/** Serves the parent until it closes its end. */
	void serve() throws IpcException {
		this.lane.run();
	}

	@Override
	public void close() {
		this.socket.close();
		if (this.parent != null) {
			this.parent.close();
		}
		if (this.calls != null) {
			this.calls.close();
		}
	}

}
