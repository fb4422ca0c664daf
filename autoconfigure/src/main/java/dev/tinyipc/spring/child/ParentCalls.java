package dev.tinyipc.spring.child;

import java.time.Duration;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcParent;
import dev.tinyipc.IpcServer;
import dev.tinyipc.spring.IpcDestination.ExchangeAction;
import dev.tinyipc.spring.IpcDestination.OpenExchange;

/**
 * Exchanges with a parent whose requests are served here: over the sockets for calls,
 * because the inherited one is for the parent's requests.
 */
final class ParentCalls {

	private final IpcServer server;

	ParentCalls(IpcServer server) {
		this.server = server;
	}

	<R> R exchange(Duration timeout, ExchangeAction<R> action) throws IpcException {
		try (IpcParent.Call call = begin(timeout)) {
			return action.run(call.exchange());
		}
	}

	OpenExchange open(Duration timeout, ExchangeAction<?> request) throws IpcException {
		IpcParent.Call call = begin(timeout);
		boolean open = false;
		try {
			request.run(call.exchange());
			open = true;
			return new OpenCall(call);
		}
		finally {
			if (!open) {
				call.close();
			}
		}
	}

	private IpcParent.Call begin(Duration timeout) throws IpcException {
		if (!this.server.isReady()) {
			throw new IpcException(
					"The parent takes no calls before this process has told it that it is ready, which it"
							+ " does at the end of its start");
		}
		try {
			return this.server.parent().until(Deadline.in(timeout)).begin();
		}
		catch (IllegalStateException ex) {
			throw new IpcException(ex.getMessage(), ex);
		}
	}

	/** What goes over the inherited socket cannot be sent or received any more. */
	static IpcException noMessages() {
		return new IpcException("The socket to the parent is for its requests, which listeners serve here: call the"
				+ " parent by a request, which its own listeners answer");
	}

	/**
	 * A call whose reply is streamed.
	 *
	 * @param call its exchange
	 */
	private record OpenCall(IpcParent.Call call) implements OpenExchange {

		@Override
		public <R> R run(ExchangeAction<R> action) throws IpcException {
			return action.run(this.call.exchange());
		}

		@Override
		public void close() {
			this.call.close();
		}

	}

}
