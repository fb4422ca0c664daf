package dev.tinyipc.spring;

import java.lang.reflect.Method;
import java.util.Arrays;
import java.util.LinkedHashSet;
import java.util.Set;

import dev.tinyipc.IpcContract;
import dev.tinyipc.IpcExchange;
import org.jspecify.annotations.Nullable;

import org.springframework.aot.hint.BindingReflectionHintsRegistrar;
import org.springframework.aot.hint.ExecutableMode;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.beans.factory.aot.BeanRegistrationAotContribution;
import org.springframework.beans.factory.aot.BeanRegistrationAotProcessor;
import org.springframework.beans.factory.support.RegisteredBean;
import org.springframework.core.annotation.AnnotatedElementUtils;
import org.springframework.util.ClassUtils;

/**
 * Registers the hints of contracts: those of {@link ImportIpcServices @ImportIpcServices}
 * beans, and interfaces with {@link IpcExchange @IpcExchange} that a bean is of, such as
 * a listener. A contract that cannot be used fails the build already.
 */
class IpcExchangeBeanRegistrationAotProcessor implements BeanRegistrationAotProcessor {

	private final BindingReflectionHintsRegistrar bindings = new BindingReflectionHintsRegistrar();

	@Override
	public @Nullable BeanRegistrationAotContribution processAheadOfTime(RegisteredBean bean) {
		Set<Class<?>> contracts = contracts(bean);
		return contracts.isEmpty() ? null
				: (context, code) -> contracts.forEach((contract) -> register(contract, context.getRuntimeHints()));
	}

	private static Set<Class<?>> contracts(RegisteredBean bean) {
		Class<?> type = bean.getBeanClass();
		if (IpcServicesRegistrar.FACTORY.equals(bean.getMergedBeanDefinition().getFactoryBeanName())) {
			return Set.of(type); // needs no annotation
		}
		Set<Class<?>> contracts = new LinkedHashSet<>();
		for (Class<?> candidate : ClassUtils.getAllInterfacesForClassAsSet(type)) {
			if (isAnnotated(candidate)) {
				contracts.add(candidate);
			}
		}
		// What another one extends is a part of that.
		contracts
			.removeIf((one) -> contracts.stream().anyMatch((other) -> other != one && one.isAssignableFrom(other)));
		return contracts;
	}

	private static boolean isAnnotated(Class<?> candidate) {
		return AnnotatedElementUtils.hasAnnotation(candidate, IpcExchange.class)
				|| Arrays.stream(candidate.getMethods())
					.anyMatch((method) -> method.isAnnotationPresent(IpcExchange.class));
	}

	private void register(Class<?> type, RuntimeHints hints) {
		IpcContract<?> contract = IpcContract.of(type);
		hints.proxies().registerJdkProxy(type);
		for (Method method : type.getMethods()) {
			hints.reflection().registerMethod(method, ExecutableMode.INVOKE);
		}
		this.bindings.registerReflectionHints(hints.reflection(), contract.dataTypes().toArray(Class<?>[]::new));
	}

}
