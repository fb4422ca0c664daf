package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

import org.jspecify.annotations.Nullable;

/**
 * Somebody who asks, and a server in this process or a child, at the two ends of real
 * sockets.
 */
final class Conversation implements Closeable {

	/** Of a peer that can do everything. */
	static final IpcHello HELLO = new IpcHello(2, true, true, 64, Optional.empty(), 0, 0, true, 0);

	private final Closeable answering;

	private final IpcSocket socket;

	private final IpcRequester requester;

	private Conversation(Closeable answering, IpcSocket socket, IpcRequester requester) {
		this.answering = answering;
		this.socket = socket;
		this.requester = requester;
	}

	/** The two ends of a lane. */
	static IpcSocketPair pair() throws IpcException {
		IpcSocketPair pair = IpcSocket.pair();
		if (MemoryLane.isTheDefault()) {
			pair.child().share(MemoryLane.share(pair.parent(), LaneMemory.DEFAULT_RING_SIZE));
		}
		return pair;
	}

	/** With a server in this process, which has greeted. */
	static Conversation with(IpcServerBuilder server) throws IpcException {
		return with(server, Optional.of(HELLO));
	}

	/** With a server in this process, of which nothing is known. */
	static Conversation bare(IpcServerBuilder server) throws IpcException {
		return with(server, Optional.empty());
	}

	private static Conversation with(IpcServerBuilder builder, Optional<IpcHello> hello) throws IpcException {
		IpcSocketPair pair = IpcSocket.pair();
		IpcServer server = builder.build();
		server.serve(IpcChannel.over(pair.child()));
		IpcChannel channel = IpcChannel.over(pair.parent());
		return new Conversation(server, pair.parent(),
				hello.isPresent() ? shared(IpcRequester.greeted(channel, "the peer", hello.get()))
						: IpcRequester.over(channel, "the peer"));
	}

	private static IpcRequester shared(IpcRequester requester) throws IpcException {
		if (MemoryLane.isTheDefault()) {
			requester.share(LaneMemory.DEFAULT_RING_SIZE, inTime());
		}
		return requester;
	}

	/** With a child that is invited to say hello. */
	static Conversation with(ChildJvm child) throws IOException {
		IpcProcess process = start(child);
		IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()), "the child");
		Conversation conversation = new Conversation(process, process.socket(), requester);
		try {
			if (MemoryLane.isTheDefault()) {
				requester.awaitHello(inTime());
			}
			shared(requester);
		}
		catch (IpcException ex) {
			conversation.close();
			throw ex;
		}
		return conversation;
	}

	static IpcProcess start(ChildJvm child) throws IOException {
		IpcProcessBuilder builder = new IpcProcessBuilder(child.command()).redirectErrorStream(true)
			.redirectOutput(ProcessBuilder.Redirect.DISCARD);
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		return builder.start();
	}

	IpcRequester requester() {
		return this.requester;
	}

	IpcSocket socket() {
		return this.socket;
	}

	IpcProcess child() {
		return (IpcProcess) this.answering;
	}

	IpcServer server() {
		return (IpcServer) this.answering;
	}

	static Deadline inTime() {
		return Deadline.in(Duration.ofSeconds(60)).interruptible();
	}

	/** Sends a request. */
	Exchange ask(String method, @Nullable Object payload, OwnedFd... descriptors) throws IpcException {
		return ask(this.requester, method, payload, descriptors);
	}

	static Exchange ask(IpcRequester requester, String method, @Nullable Object payload, OwnedFd... descriptors)
			throws IpcException {
		Exchange exchange = requester.begin(inTime());
		if (!method.isEmpty()) {
			exchange.method(method);
		}
		exchange.request(payload, descriptors);
		return exchange;
	}

	Object call(String method, @Nullable Object payload) throws IpcException {
		return call(this.requester, method, payload);
	}

	static Object call(IpcRequester requester, String method, @Nullable Object payload) throws IpcException {
		try (IpcMessage<Object> reply = ask(requester, method, payload).reply(Object.class)) {
			return reply.payload();
		}
	}

	/** All that is left of a stream. */
	static List<Object> rest(Exchange exchange) throws IpcException {
		List<Object> elements = new ArrayList<>();
		while (true) {
			try (IpcMessage<Object> element = exchange.next(Object.class, inTime())) {
				if (element == null) {
					return elements;
				}
				elements.add(element.payload());
			}
		}
	}

	@Override
	public void close() throws IOException {
		this.socket.close();
		this.answering.close();
	}

}
