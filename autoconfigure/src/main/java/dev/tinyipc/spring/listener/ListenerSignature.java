package dev.tinyipc.spring.listener;

import java.lang.reflect.Method;
import java.lang.reflect.Type;
import java.lang.reflect.WildcardType;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.Future;
import java.util.stream.BaseStream;
import java.util.stream.Collectors;

import dev.tinyipc.IpcException;
import org.jspecify.annotations.Nullable;

import org.springframework.core.DefaultParameterNameDiscoverer;
import org.springframework.core.GenericTypeResolver;
import org.springframework.core.MethodParameter;
import org.springframework.core.ResolvableType;
import org.springframework.messaging.Message;
import org.springframework.messaging.MessageHeaders;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.Headers;
import org.springframework.messaging.handler.annotation.Payload;
import org.springframework.messaging.support.MessageHeaderAccessor;
import org.springframework.util.StringUtils;

/** What the parameters of a listener take. */
final class ListenerSignature {

	/** What no payload can be: it means something in this process only. */
	private static final List<Class<?>> NO_DATA = List.of(AutoCloseable.class, Path.class, BaseStream.class,
			Iterator.class, Future.class, CompletionStage.class);

	private final Method method;

	private final Class<?> beanType;

	private @Nullable MethodParameter payloadParameter;

	private Type payload = Object.class;

	private final int descriptors;

	private boolean takesMoreDescriptors;

	/**
	 * Reads the parameters.
	 * @throws IllegalStateException if one cannot be resolved; the message says which one
	 * and why
	 */
	ListenerSignature(Method method, Class<?> beanType) {
		this.method = method;
		this.beanType = beanType;
		Type[] types = method.getGenericParameterTypes();
		this.descriptors = RequestArguments.count(types, 0, types.length);
		for (int i = 0; i < types.length; i++) {
			MethodParameter parameter = new MethodParameter(method, i).withContainingClass(beanType);
			parameter.initParameterNameDiscovery(new DefaultParameterNameDiscoverer());
			read(parameter, types[i]);
		}
	}

	private void read(MethodParameter parameter, Type type) {
		if (RequestArguments.isDescriptors(type)) {
			check(!this.takesMoreDescriptors, parameter, "there can be only one List<OwnedFd>");
			this.takesMoreDescriptors = true;
		}
		else if (parameter.getParameterType() == Message.class) {
			payload(parameter, ResolvableType.forMethodParameter(parameter).getGeneric(0).getType());
		}
		else if (parameter.hasParameterAnnotation(Headers.class)) {
			check(Map.class.isAssignableFrom(parameter.getParameterType()), parameter,
					"@Headers are a Map<String, Object>");
		}
		else if (isPayload(parameter, type)) {
			check(NO_DATA.stream().noneMatch((no) -> no.isAssignableFrom(parameter.getParameterType())), parameter,
					"no payload can be read as that. What travels as a descriptor is declared as OwnedFd,"
							+ " List<OwnedFd> or InputStream, and everything else about a request as IpcContext");
			payload(parameter, type);
		}
	}

	private static boolean isPayload(MethodParameter parameter, Type type) {
		return !RequestArguments.isDescriptor(type) && !RequestArguments.isContext(parameter)
				&& !parameter.hasParameterAnnotation(Header.class)
				&& !MessageHeaders.class.isAssignableFrom(parameter.getParameterType())
				&& !MessageHeaderAccessor.class.isAssignableFrom(parameter.getParameterType());
	}

	/** A message and its payload can be two parameters, if they are of one type. */
	private void payload(MethodParameter parameter, Type declared) {
		Payload annotation = parameter.getParameterAnnotation(Payload.class);
		check(annotation == null || !StringUtils.hasText(annotation.expression()), parameter,
				"expressions of @Payload are not supported");
		Type type = resolve(declared);
		MethodParameter other = this.payloadParameter;
		if (other == null) {
			this.payloadParameter = parameter;
			this.payload = type;
			return;
		}
		check(type
			.equals(this.payload) && (isMessage(parameter) != isMessage(other)), parameter, "the payload is parameter '"
					+ other.getParameterName()
					+ "' already. Put both into one record, annotate one with @Header, or have the class implement an"
					+ " interface with @IpcExchange, whose methods can have several");
	}

	private static boolean isMessage(MethodParameter parameter) {
		return parameter.getParameterType() == Message.class;
	}

	private Type resolve(Type type) {
		Type resolved = GenericTypeResolver.resolveType(type, this.beanType);
		boolean says = !(resolved instanceof WildcardType) && ResolvableType.forType(resolved).resolve() != null;
		return says ? resolved : Object.class;
	}

	private void check(boolean valid, MethodParameter parameter, String reason) {
		if (!valid) {
			throw new IllegalStateException("A listener cannot be used: " + describe(parameter) + ": " + reason);
		}
	}

	/** What a request's payload is read as. */
	Type payload() {
		return this.payload;
	}

	/** The parameter that is the payload; null if there is none. */
	@Nullable MethodParameter payloadParameter() {
		return this.payloadParameter;
	}

	/** Refuses a request with more or fewer descriptors than there are parameters. */
	void checkDescriptors(int count) throws IpcException {
		if (this.takesMoreDescriptors ? (count < this.descriptors) : (count != this.descriptors)) {
			throw new IpcException(describe(this.method) + " takes " + (this.takesMoreDescriptors ? "at least " : "")
					+ this.descriptors + " descriptors, but " + count + " came");
		}
	}

	static String describe(MethodParameter parameter) {
		return "parameter '" + parameter.getParameterName() + "' of " + describe(parameter.getMethod());
	}

	static String describe(Method method) {
		return method.getDeclaringClass().getSimpleName() + '.' + method.getName()
				+ Arrays.stream(method.getParameterTypes())
					.map(Class::getSimpleName)
					.collect(Collectors.joining(", ", "(", ")"));
	}

}
