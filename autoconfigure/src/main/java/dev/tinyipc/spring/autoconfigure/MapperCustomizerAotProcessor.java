package dev.tinyipc.spring.autoconfigure;

import org.jspecify.annotations.Nullable;

import org.springframework.aot.hint.MemberCategory;
import org.springframework.beans.factory.aot.BeanFactoryInitializationAotContribution;
import org.springframework.beans.factory.aot.BeanFactoryInitializationAotProcessor;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.core.env.Environment;

/** Keeps the constructor of the class in {@code ipc.template.mapper-customizer}. */
class MapperCustomizerAotProcessor implements BeanFactoryInitializationAotProcessor {

	@Override
	public @Nullable BeanFactoryInitializationAotContribution processAheadOfTime(
			ConfigurableListableBeanFactory beanFactory) {
		Class<?> customizer = Binder.get(beanFactory.getBean(Environment.class))
			.bind("ipc.template.mapper-customizer", Class.class)
			.orElse(null);
		return (customizer == null) ? null
				: (context, code) -> context.getRuntimeHints()
					.reflection()
					.registerType(customizer, MemberCategory.INVOKE_DECLARED_CONSTRUCTORS);
	}

}
