package dev.tinyipc.spring.child;

import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.IpcChannelFactory;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.beans.factory.ObjectProvider;

/** Serves the sockets over which the instances of a child call this process. */
final class CallServer {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final ChildSpec spec;

	private final IpcChannelFactory channelFactory;

	private final ObjectProvider<ChildCalls> calls;

	private final ObjectProvider<IpcInstrumentation> instrumentation;

	private @Nullable IpcServer server;

	CallServer(ChildSpec spec, IpcChannelFactory channelFactory, ObjectProvider<ChildCalls> calls,
			ObjectProvider<IpcInstrumentation> instrumentation) {
		this.spec = spec;
		this.channelFactory = channelFactory;
		this.calls = calls;
		this.instrumentation = instrumentation;
	}

	/**
	 * Looks for handlers, which may use the child, and so cannot be there before it is.
	 */
	synchronized void prepare() {
		if (this.server == null) {
			List<ChildCalls> ofChild = this.calls.orderedStream()
				.filter((calls) -> ChildFactory.uniform(calls.child()).equals(ChildFactory.uniform(this.spec.name())))
				.toList();
			IpcServerBuilder builder = IpcServer.builder()
				.instrumentation(this.spec.name(), this.instrumentation.getIfAvailable(() -> IpcInstrumentation.NONE));
			ofChild.forEach((calls) -> calls.handlers().accept(builder));
			this.server = builder.build();
		}
	}

	/**
	 * Creates the requester for an instance, whose calls are served from its hello on.
	 * @param name the instance's name in the log
	 */
	IpcRequester requester(IpcChannel channel, String name) {
		if (this.spec.oneWay()) {
			return IpcRequester.uncounted(channel, name);
		}
		IpcRequester requester = IpcRequester.over(channel, name);
		requester.whenGreeted(() -> serve(requester));
		return requester;
	}

	private void serve(IpcRequester instance) {
		IpcSocket socket = instance.takeCallSocket().orElse(null);
		IpcServer server = server();
		if (socket == null || server == null) {
			return;
		}
		boolean served = false;
		try {
			server.serve(this.channelFactory.createChannel(socket));
			served = true;
		}
		catch (IpcException ex) {
			logger.warn("{} cannot call this process", this.spec, ex);
		}
		finally {
			if (!served) {
				socket.close();
			}
		}
	}

	private synchronized @Nullable IpcServer server() {
		return this.server;
	}

	/** Ends the calls that are being answered. */
	synchronized void close() {
		if (this.server != null) {
			this.server.close();
			this.server = null;
		}
	}

}
