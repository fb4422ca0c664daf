package dev.tinyipc.spring;

import java.lang.reflect.Method;
import java.util.List;

import dev.tinyipc.IpcContract;
import dev.tinyipc.IpcExchange;
import org.jspecify.annotations.Nullable;

import org.springframework.aot.hint.BindingReflectionHintsRegistrar;
import org.springframework.aot.hint.ExecutableMode;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.beans.factory.aot.BeanRegistrationAotContribution;
import org.springframework.beans.factory.aot.BeanRegistrationAotProcessor;
import org.springframework.beans.factory.support.RegisteredBean;

/**
 * Registers the hints of contracts: those of {@link ImportIpcServices @ImportIpcServices}
 * beans, and interfaces with {@link IpcExchange @IpcExchange} that a bean is of, such as
 * a listener. A contract that cannot be used fails the build already.
 */
class IpcExchangeBeanRegistrationAotProcessor implements BeanRegistrationAotProcessor {

	private final BindingReflectionHintsRegistrar bindings = new BindingReflectionHintsRegistrar();

	@Override
	public @Nullable BeanRegistrationAotContribution processAheadOfTime(RegisteredBean bean) {
		Class<?> type = bean.getBeanClass();
		boolean imported = IpcServicesRegistrar.FACTORY.equals(bean.getMergedBeanDefinition().getFactoryBeanName());
		// An imported contract needs no annotation.
		List<Class<?>> contracts = imported ? List.of(type) : IpcContract.implementedBy(type);
		return contracts.isEmpty() ? null
				: (context, code) -> contracts.forEach((contract) -> register(contract, context.getRuntimeHints()));
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
