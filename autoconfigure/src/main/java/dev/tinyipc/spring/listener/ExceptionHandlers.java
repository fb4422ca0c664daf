package dev.tinyipc.spring.listener;

import java.lang.reflect.Method;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

import org.springframework.aop.support.AopUtils;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.annotation.support.AnnotationExceptionHandlerMethodResolver;
import org.springframework.messaging.handler.annotation.support.MessageHandlerMethodFactory;
import org.springframework.messaging.handler.invocation.InvocableHandlerMethod;

/** The methods of a bean that are annotated with {@code @MessageExceptionHandler}. */
final class ExceptionHandlers {

	private final Object bean;

	private final MessageHandlerMethodFactory factory;

	private final AnnotationExceptionHandlerMethodResolver methods;

	ExceptionHandlers(Object bean, Class<?> beanType, MessageHandlerMethodFactory factory) {
		this.bean = bean;
		this.factory = factory;
		this.methods = new AnnotationExceptionHandlerMethodResolver(beanType);
	}

	/** The method that takes an exception or one of its causes; null if there is none. */
	@Nullable Method methodFor(Exception failure) {
		return this.methods.resolveMethod(failure);
	}

	/**
	 * Has a method take an exception.
	 * @return what it returns
	 * @throws Exception what it throws, or the given one if it cannot be called
	 */
	@Nullable Object handle(Method method, Exception failure, Message<?> message) throws Exception {
		InvocableHandlerMethod invocable = this.factory.createInvocableHandlerMethod(this.bean,
				AopUtils.selectInvocableMethod(method, this.bean.getClass()));
		return invocable.invoke(message, withCauses(failure));
	}

	/** For parameters of any of their types. */
	private static Object[] withCauses(Throwable failure) {
		List<Object> all = new ArrayList<>();
		for (Throwable one = failure; one != null && !all.contains(one); one = one.getCause()) {
			all.add(one);
		}
		return all.toArray();
	}

}
