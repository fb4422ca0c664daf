package dev.tinyipc.spring.listener;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.List;

import dev.tinyipc.IpcContract;
import dev.tinyipc.IpcServerBuilder;
import org.jspecify.annotations.Nullable;

import org.springframework.messaging.handler.annotation.support.MessageHandlerMethodFactory;
import org.springframework.messaging.support.GenericMessage;
import org.springframework.util.ClassUtils;
import org.springframework.util.ReflectionUtils;

/**
 * A bean that answers requests as an interface says it.
 *
 * @param <T> the interface
 */
final class ContractListener<T> {

	private final IpcContract<T> contract;

	private final Object bean;

	private final ExceptionHandlers exceptionHandlers;

	ContractListener(Class<T> type, Object bean, Class<?> beanType, MessageHandlerMethodFactory factory) {
		this.contract = IpcContract.of(type);
		this.bean = bean;
		this.exceptionHandlers = new ExceptionHandlers(bean, beanType, factory);
	}

	List<String> methods() {
		return this.contract.methods();
	}

	void addTo(IpcServerBuilder builder) {
		Class<T> type = this.contract.type();
		InvocationHandler handler = (proxy, method, arguments) -> invoke(method, arguments);
		builder.service(type,
				type.cast(Proxy.newProxyInstance(type.getClassLoader(), new Class<?>[] { type }, handler)));
	}

	private @Nullable Object invoke(Method method, @Nullable Object @Nullable [] arguments) throws Throwable {
		ReflectionUtils.makeAccessible(method); // of an interface that is not public
		try {
			return method.invoke(this.bean, arguments);
		}
		catch (InvocationTargetException ex) {
			if (ex.getCause() instanceof Exception failure) {
				return handle(method, failure);
			}
			throw ex.getCause();
		}
	}

	private @Nullable Object handle(Method method, Exception failure) throws Exception {
		Method handler = this.exceptionHandlers.methodFor(failure);
		if (handler == null) {
			throw failure;
		}
		Object result = this.exceptionHandlers.handle(handler, failure, new GenericMessage<>(failure));
		Class<?> type = method.getReturnType();
		if (type != void.class && result != null && !ClassUtils.isAssignableValue(type, result)) {
			throw new IllegalStateException(
					ListenerSignature.describe(handler) + " has handled an exception of "
							+ ListenerSignature.describe(method) + ", but has not returned a " + type.getSimpleName(),
					failure);
		}
		return result;
	}

}
