package dev.tinyipc.spring.listener;

import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.IpcContract;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.spring.IpcListener;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.aop.framework.autoproxy.AutoProxyUtils;
import org.springframework.aop.scope.ScopedProxyUtils;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.core.MethodIntrospector;
import org.springframework.core.MethodParameter;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.core.annotation.AnnotationUtils;
import org.springframework.core.annotation.MergedAnnotations;
import org.springframework.core.annotation.MergedAnnotations.SearchStrategy;
import org.springframework.messaging.handler.annotation.support.DefaultMessageHandlerMethodFactory;
import org.springframework.messaging.handler.annotation.support.MessageHandlerMethodFactory;
import org.springframework.util.Assert;
import org.springframework.util.StringUtils;
import org.springframework.validation.Validator;

/** Finds what beans serve. Those that serve nothing are not created for that. */
final class ListenerScanner {

	private static final Logger logger = LoggerFactory.getLogger(ListenerScanner.class);

	private final ConfigurableListableBeanFactory beanFactory;

	private final @Nullable Validator validator;

	private final MessageHandlerMethodFactory factory;

	/**
	 * Creates a scanner.
	 * @param validator null if payloads are not validated
	 */
	ListenerScanner(ConfigurableListableBeanFactory beanFactory, @Nullable Validator validator) {
		this.beanFactory = beanFactory;
		this.validator = validator;
		DefaultMessageHandlerMethodFactory factory = new DefaultMessageHandlerMethodFactory();
		factory.setBeanFactory(beanFactory);
		factory.setCustomArgumentResolvers(List.of(new RequestArguments(), new PayloadArgument(validator)));
		factory.afterPropertiesSet();
		this.factory = factory;
	}

	/**
	 * Looks at all beans.
	 * @throws IllegalStateException if a listener cannot be used; the message says which
	 * one and why
	 */
	List<ListenerEndpoint> scan() {
		List<ListenerEndpoint> endpoints = new ArrayList<>();
		for (String name : this.beanFactory.getBeanNamesForType(Object.class)) {
			Class<?> type = ScopedProxyUtils.isScopedTarget(name) ? null : typeOf(name);
			if (type != null && AnnotationUtils.isCandidateClass(type, IpcListener.class)) {
				scan(name, type, endpoints);
			}
		}
		return endpoints;
	}

	/** Null if it is a client of ours, or cannot be told before the bean is created. */
	private @Nullable Class<?> typeOf(String name) {
		try {
			Class<?> type = AutoProxyUtils.determineTargetClass(this.beanFactory, name);
			return (type == null || Proxy.isProxyClass(type)) ? null : type;
		}
		catch (RuntimeException | LinkageError ex) {
			logger.debug("The type of the bean '{}' is unknown: it is no listener", name, ex);
			return null;
		}
	}

	private void scan(String name, Class<?> type, List<ListenerEndpoint> endpoints) {
		IpcListener onType = MergedAnnotations.from(type, SearchStrategy.SUPERCLASS)
			.get(IpcListener.class)
			.synthesize((annotation) -> annotation.isPresent())
			.orElse(null);
		if (onType != null) {
			endpoints.addAll(ofType(onType, name, type));
		}
		MethodIntrospector
			.selectMethods(type,
					(Method method) -> AnnotatedElementUtils.findMergedAnnotation(method, IpcListener.class))
			.forEach((method, annotation) -> endpoints.addAll(ofMethod(annotation, method, name, type)));
	}

	private List<ListenerEndpoint> ofType(IpcListener annotation, String name, Class<?> type) {
		String description = type.getName() + " (bean '" + name + "')";
		checkDestinations(annotation, description);
		Assert.state(annotation.method().isEmpty(), () -> "@IpcListener on " + description
				+ " names a method, but the interfaces that it implements do that: remove the name");
		List<Class<?>> contracts = IpcContract.implementedBy(type);
		Assert.state(!contracts.isEmpty(), () -> "@IpcListener on " + description
				+ " has nothing to serve: the class implements no interface that is annotated with @IpcExchange."
				+ " Annotate the interface, or single methods of the class with @IpcListener");
		Object bean = this.beanFactory.getBean(name);
		List<ListenerEndpoint> endpoints = new ArrayList<>();
		for (Class<?> contract : contracts) {
			ContractListener<?> listener = new ContractListener<>(contract, bean, type, this.factory);
			for (String destination : annotation.value()) {
				endpoints.add(new ListenerEndpoint(resolve(destination), listener.methods(),
						concurrency(annotation, description), description, listener::addTo));
			}
		}
		return endpoints;
	}

	private List<ListenerEndpoint> ofMethod(IpcListener annotation, Method method, String name, Class<?> type) {
		String description = ListenerSignature.describe(method) + " (bean '" + name + "')";
		checkDestinations(annotation, description);
		MethodListener listener = new MethodListener(this.beanFactory.getBean(name), type, method, this.factory);
		warnIfNotValidated(listener.payloadParameter());
		String declared = resolve(annotation.method());
		String wireName = switch (declared) {
			case "" -> method.getName();
			case IpcListener.NO_METHOD -> "";
			default -> declared;
		};
		return Arrays.stream(annotation.value())
			.map((destination) -> new ListenerEndpoint(resolve(destination), List.of(wireName),
					concurrency(annotation, description), description,
					(IpcServerBuilder builder) -> listener.addTo(builder, wireName)))
			.toList();
	}

	private static void checkDestinations(IpcListener annotation, String description) {
		Assert.state(annotation.value().length > 0,
				() -> "The listener " + description + " names no destination whose requests it serves");
	}

	/** As Spring Messaging, which recognizes them by their names. */
	private void warnIfNotValidated(@Nullable MethodParameter payload) {
		if (this.validator == null && payload != null && Arrays.stream(payload.getParameterAnnotations())
			.anyMatch((annotation) -> annotation.annotationType().getSimpleName().startsWith("Valid"))) {
			logger.warn("The {} is not validated: there is no validator. Add spring-boot-starter-validation",
					ListenerSignature.describe(payload));
		}
	}

	private String resolve(String value) {
		String resolved = this.beanFactory.resolveEmbeddedValue(value);
		return (resolved != null) ? resolved : value;
	}

	/** 0 if the annotation does not say. */
	private int concurrency(IpcListener annotation, String description) {
		String value = resolve(annotation.concurrency());
		if (!StringUtils.hasText(value)) {
			return 0;
		}
		Assert.state(value.matches("[1-9][0-9]{0,4}"), () -> "The concurrency of the listener " + description
				+ " must be a number from 1 to 99999, and not '" + value + '\'');
		return Integer.parseInt(value);
	}

}
