package dev.tinyipc.spring.listener;

import java.lang.reflect.Method;

import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServerBuilder;
import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;

import org.springframework.aop.support.AopUtils;
import org.springframework.core.MethodParameter;
import org.springframework.messaging.converter.MessageConversionException;
import org.springframework.messaging.handler.annotation.support.MessageHandlerMethodFactory;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/** A method of a bean that answers requests. */
final class MethodListener {

	private final Class<?> beanType;

	private final ListenerSignature signature;

	private final InvocableHandlerMethod method;

	private final ListenerReply reply;

	private final ExceptionHandlers exceptionHandlers;

	MethodListener(Object bean, Class<?> beanType, Method method, MessageHandlerMethodFactory factory) {
		this.beanType = beanType;
		this.signature = new ListenerSignature(method, beanType);
		this.method = factory.createInvocableHandlerMethod(bean,
				AopUtils.selectInvocableMethod(method, bean.getClass()));
		this.reply = new ListenerReply(method, beanType);
		this.exceptionHandlers = new ExceptionHandlers(bean, beanType, factory);
	}

	/** The parameter that is the payload; null if there is none. */
	@Nullable MethodParameter payloadParameter() {
		return this.signature.payloadParameter();
	}

	void addTo(IpcServerBuilder builder, String name) {
		builder.handler(name, RequestPayload.of(this.signature.payload()),
				(IpcMessage<RequestPayload<?>> request, IpcContext context) -> handle(request, context));
	}

	private @Nullable Object handle(IpcMessage<RequestPayload<?>> request, IpcContext context) throws Exception {
		RequestMessage message = new RequestMessage(request.payload().value(), request.descriptors(), context);
		try {
			checkReadable(request.payload(), message);
			this.signature.checkDescriptors(request.descriptors().size());
			return this.reply.toSend(this.method.invoke(message));
		}
		catch (Exception ex) {
			Method handler = this.exceptionHandlers.methodFor(ex);
			if (handler == null) {
				throw ex;
			}
			return new ListenerReply(handler, this.beanType)
				.toSend(this.exceptionHandlers.handle(handler, ex, message));
		}
	}

	private void checkReadable(RequestPayload<?> payload, RequestMessage message) {
		JacksonException failure = payload.failure();
		MethodParameter parameter = this.signature.payloadParameter();
		if (failure != null && parameter != null) {
			String path = failure.getPathReference();
			throw new MessageConversionException(message,
					"The payload cannot be read as " + ListenerSignature.describe(parameter) + ": "
							+ failure.getOriginalMessage()
							+ ((path != null && !path.isEmpty()) ? " (at " + path + ')' : ""),
					failure);
		}
	}

}
