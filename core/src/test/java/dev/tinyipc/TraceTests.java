package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** What a child asks its parent belongs to the trace of what it was asked. */
@Timeout(120)
class TraceTests {

	private static final Map<String, String> TRACE = Map.of("traceparent",
			"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "tracestate", "vendor=1", "baggage", "user=7");

	private Conversation conversation;

	private IpcServer calls;

	/** Asks its parent which headers come with its calls. */
	static final class Child {

		private static IpcServer server;

		public static void main(String[] arguments) throws IpcException {
			server = IpcServer.builder()
				.handler("in-context", Object.class, (request, context) -> headers(context.parent()))
				.handler("in-another-thread", Object.class, (request, context) -> {
					IpcParent parent = context.parent();
					return CompletableFuture.supplyAsync(() -> headers(parent)).get();
				})
				.handler("anyhow", Object.class, (request) -> headers(server.parent()))
				.handler("while-streaming", Object.class,
						(request, context) -> Stream.of(1, 2).map((i) -> headers(context.parent())))
				.handler("stream", Object.class, (request, context) -> {
					try (Stream<IpcMessage<Map<String, String>>> elements = context.parent()
						.stream("streamed", "", Map.class)) {
						return elements.map(IpcMessage::payload).toList();
					}
				})
				.start();
			server.ready();
			server.awaitEnd();
		}

		@SuppressWarnings("unchecked")
		private static Map<String, String> headers(IpcParent parent) {
			try {
				return parent.call("headers", "", Map.class);
			}
			catch (IpcException ex) {
				throw new IllegalStateException(ex);
			}
		}

	}

	@BeforeEach
	void start() throws Exception {
		this.conversation = Conversation.with(new ChildJvm(Child.class));
		this.calls = IpcServer.builder()
			.handler("headers", Object.class, (request, context) -> context.headers())
			.handler("streamed", Object.class, (request, context) -> Stream.of(context.headers(), context.headers()))
			.build();
		this.conversation.requester().awaitHello(Conversation.inTime());
		this.calls.serve(IpcChannel.over(this.conversation.requester().takeCallSocket().orElseThrow()));
	}

	@AfterEach
	void end() throws Exception {
		this.conversation.close();
		this.calls.close();
	}

	@Test
	void callsOfAChildCarryTheTraceAndNoOtherHeaders() throws Exception {
		assertThat(headersOfCall("in-context")).isEqualTo(TRACE);
	}

	@Test
	void callsInAnotherThreadDoToo() throws Exception {
		assertThat(headersOfCall("in-another-thread")).isEqualTo(TRACE);
	}

	@Test
	void callsOutsideTheContextDoTooInTheThreadOfTheHandler() throws Exception {
		assertThat(headersOfCall("anyhow")).isEqualTo(TRACE);
	}

	@Test
	void callsOfAStreamThatIsSentElementByElementDoToo() throws Exception {
		Exchange exchange = ask("while-streaming");
		assertThat(Conversation.rest(exchange)).hasSize(2)
			.allSatisfy((headers) -> assertThat(ofTrace(headers)).isEqualTo(TRACE));
	}

	@Test
	void callsThatAreAnsweredByAStreamDoToo() throws Exception {
		try (IpcMessage<List<Object>> reply = ask("stream").reply((Type) List.class)) {
			assertThat(reply.payload()).hasSize(2)
				.allSatisfy((headers) -> assertThat(ofTrace(headers)).isEqualTo(TRACE));
		}
	}

	@Test
	void theNextRequestInTheSameThreadHasNoTraceOfThat() throws Exception {
		assertThat(headersOfCall("anyhow")).isEqualTo(TRACE);
		assertThat(ofTrace(this.conversation.call("anyhow", ""))).isEmpty();
		assertThat(ofTrace(this.conversation.call("in-context", ""))).isEmpty();
	}

	private Map<String, String> headersOfCall(String method) throws IpcException {
		try (IpcMessage<Object> reply = ask(method).reply(Object.class)) {
			return ofTrace(reply.payload());
		}
	}

	private Exchange ask(String method) throws IpcException {
		Exchange exchange = this.conversation.requester().begin(Conversation.inTime()).method(method);
		exchange.header("colour", "red");
		TRACE.forEach(exchange::header);
		exchange.request("");
		return exchange;
	}

	@SuppressWarnings("unchecked")
	private static Map<String, String> ofTrace(Object headers) {
		Map<String, String> others = new TreeMap<>((Map<String, String>) headers);
		others.keySet().removeAll(List.of(Envelope.DEADLINE, Envelope.ELEMENTS));
		return others;
	}

}
