package dev.tinyipc.benchmark.own;

import java.util.ArrayList;
import java.util.List;

import dev.tinyipc.Deadline;
import dev.tinyipc.Exchange;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.IpcServer;
import dev.tinyipc.benchmark.Contender.CannotException;
import dev.tinyipc.benchmark.Order;
import dev.tinyipc.spring.CborMessageTemplate;

/** Orders fetched without the template: by {@code IpcRequester}. */
final class RequesterFetch {

	private final IpcRequester requester;

	private RequesterFetch(IpcRequester requester) {
		this.requester = requester;
	}

	/** Starts a {@link ServedChild}, and invites it to say hello, as the starter does. */
	static FetchSession prepare(List<String> command, String how) throws Exception {
		IpcProcessBuilder builder = new IpcProcessBuilder(command).inheritIO()
			.redirectOutput(ProcessBuilder.Redirect.DISCARD);
		builder.environment().put(IpcServer.HELLO_VARIABLE, "1");
		IpcProcess process = builder.start();
		RequesterFetch fetch = new RequesterFetch(
				IpcRequester.over(IpcChannel.over(process.socket()), "the benchmark's child"));
		return FetchSession.prepare(new RawContender.Peer(process, List.of()), switch (how) {
			case "list" -> fetch::list;
			case "stream" -> fetch::stream;
			default -> throw new CannotException("no such reply");
		});
	}

	private Exchange begin(String method) throws IpcException {
		return this.requester.begin(timeout()).method(method);
	}

	private static Deadline timeout() {
		return Deadline.in(CborMessageTemplate.DEFAULT_TIMEOUT);
	}

	private List<Order> list(int count) throws IpcException {
		Exchange exchange = begin("list");
		exchange.request(count);
		try (IpcMessage<Order[]> reply = exchange.reply(Order[].class)) {
			return List.of(reply.payload());
		}
	}

	private List<Order> stream(int count) throws IpcException {
		Exchange exchange = begin("stream").streamed();
		exchange.request(count);
		List<Order> orders = new ArrayList<>();
		while (true) {
			try (IpcMessage<Order> element = exchange.next(Order.class, timeout())) {
				if (element == null) {
					return orders;
				}
				orders.add(element.payload());
			}
		}
	}

}
