package dev.tinyipc.spring.listener;

import java.util.List;
import java.util.Map;
import java.util.Optional;

import dev.tinyipc.IpcContext;
import dev.tinyipc.OwnedFd;
import org.jspecify.annotations.Nullable;

import org.springframework.messaging.Message;
import org.springframework.messaging.MessageHeaders;

/** A request, as Spring Messaging sees it. */
final class RequestMessage implements Message<Object> {

	private final @Nullable Object payload;

	private final List<OwnedFd> descriptors;

	private final IpcContext context;

	private final MessageHeaders headers;

	RequestMessage(@Nullable Object payload, List<OwnedFd> descriptors, IpcContext context) {
		this.payload = payload;
		this.descriptors = descriptors;
		this.context = context;
		this.headers = new RequestHeaders(Map.copyOf(context.headers()));
	}

	/** Spring Messaging knows no null: an empty {@link Optional} stands for it. */
	@Override
	public Object getPayload() {
		return (this.payload != null) ? this.payload : Optional.empty();
	}

	@Override
	public MessageHeaders getHeaders() {
		return this.headers;
	}

	List<OwnedFd> descriptors() {
		return this.descriptors;
	}

	IpcContext context() {
		return this.context;
	}

	/** Without the payload, which may be confidential. */
	@Override
	public String toString() {
		return "request" + this.context.method().map((method) -> " '" + method + '\'').orElse("");
	}

	/** Those of the request only, without an id and the time. */
	private static final class RequestHeaders extends MessageHeaders {

		private static final long serialVersionUID = 1L;

		RequestHeaders(Map<String, Object> headers) {
			super(headers, ID_VALUE_NONE, -1L);
		}

	}

}
