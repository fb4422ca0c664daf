package dev.tinyipc.spring.listener;

import java.io.InputStream;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.Type;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcException;
import dev.tinyipc.OwnedFd;

import org.springframework.core.MethodParameter;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.invocation.HandlerMethodArgumentResolver;

/** Resolves what comes with a payload: the descriptors and the context. */
final class RequestArguments implements HandlerMethodArgumentResolver {

	@Override
	public boolean supportsParameter(MethodParameter parameter) {
		return isContext(parameter) || isDescriptor(parameter.getParameterType())
				|| isDescriptors(parameter.getGenericParameterType());
	}

	static boolean isContext(MethodParameter parameter) {
		return parameter.getParameterType() == IpcContext.class;
	}

	static boolean isDescriptor(Type type) {
		return type == OwnedFd.class || type == InputStream.class;
	}

	static boolean isDescriptors(Type type) {
		return type instanceof ParameterizedType generic && generic.getRawType() == List.class
				&& generic.getActualTypeArguments()[0] == OwnedFd.class;
	}

	@Override
	public Object resolveArgument(MethodParameter parameter, Message<?> message) throws IpcException {
		RequestMessage request = (RequestMessage) message;
		if (isContext(parameter)) {
			return request.context();
		}
		List<OwnedFd> descriptors = request.descriptors();
		Type[] types = parameter.getExecutable().getGenericParameterTypes();
		int index = parameter.getParameterIndex();
		int before = count(types, 0, index);
		int after = count(types, index + 1, types.length);
		if (isDescriptors(types[index])) {
			return List.copyOf(descriptors.subList(before, descriptors.size() - after));
		}
		boolean followsTheRest = Arrays.stream(types, 0, index).anyMatch(RequestArguments::isDescriptors);
		OwnedFd descriptor = descriptors.get(followsTheRest ? descriptors.size() - after - 1 : before);
		return (parameter.getParameterType() == InputStream.class) ? descriptor.inputStream() : descriptor;
	}

	/** The number of descriptors that certain parameters take, one each. */
	static int count(Type[] types, int from, int to) {
		return (int) Arrays.stream(types, from, to).filter(RequestArguments::isDescriptor).count();
	}

}
