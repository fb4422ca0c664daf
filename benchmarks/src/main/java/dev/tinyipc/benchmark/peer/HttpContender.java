package dev.tinyipc.benchmark.peer;

import java.net.http.HttpClient;
import java.util.List;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;

import org.springframework.core.ParameterizedTypeReference;
import org.springframework.http.MediaType;
import org.springframework.http.client.JdkClientHttpRequestFactory;
import org.springframework.web.client.RestClient;

/**
 * HTTP on the loopback to a child that is a Spring Boot web application: JSON, and bytes
 * as they are, on a connection that is kept.
 */
public final class HttpContender implements Contender {

	private static final ParameterizedTypeReference<byte[]> BYTES = ParameterizedTypeReference.forType(byte[].class);

	private static final ParameterizedTypeReference<Order> ORDER = ParameterizedTypeReference.forType(Order.class);

	private static final ParameterizedTypeReference<List<Order>> ORDERS = new ParameterizedTypeReference<>() {
	};

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		if (work.equals("oneway")) {
			throw new CannotException("each request has its response");
		}
		return PeerSession.prepare(HttpContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws Exception {
		ChildJvm child = ChildJvm.start(HttpChild.class, kind);
		HttpClient http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
		return new Http(child,
				RestClient.builder()
					.requestFactory(new JdkClientHttpRequestFactory(http))
					.baseUrl("http://127.0.0.1:" + child.ready())
					.build());
	}

	private record Http(ChildJvm child, RestClient client) implements Peer.Link {

		@Override
		public Dialogue bytes(byte[] content) {
			return exchange("/bytes", MediaType.APPLICATION_OCTET_STREAM, content, BYTES);
		}

		@Override
		public Dialogue order(Order order) {
			return exchange("/order", MediaType.APPLICATION_JSON, order, ORDER);
		}

		@Override
		public Dialogue orders(List<Order> orders) {
			return exchange("/orders", MediaType.APPLICATION_JSON, orders, ORDERS);
		}

		private <T> Dialogue exchange(String path, MediaType mediaType, T request, ParameterizedTypeReference<T> type) {
			return new Dialogue() {

				private Object reply = request;

				@Override
				public void exchange() {
					this.reply = Http.this.client.post()
						.uri(path)
						.contentType(mediaType)
						.accept(mediaType)
						.body(request)
						.retrieve()
						.requiredBody(type);
				}

				@Override
				public Object reply() {
					return this.reply;
				}

			};
		}

		@Override
		public Flood flood(byte[] content) {
			throw new UnsupportedOperationException();
		}

		@Override
		public void close() throws Exception {
			this.child.close();
		}

	}

}
