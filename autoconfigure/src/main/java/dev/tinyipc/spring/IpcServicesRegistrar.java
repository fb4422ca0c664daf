package dev.tinyipc.spring;

import dev.tinyipc.IpcContract;

import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.AutowireCandidateQualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.type.AnnotationMetadata;

/**
 * Registers the clients that {@link ImportIpcServices @ImportIpcServices} declares on the
 * importing class. Their definitions refer to a factory method, which ahead-of-time
 * processing can turn into code.
 */
class IpcServicesRegistrar implements ImportBeanDefinitionRegistrar {

	/** The bean that makes the clients. */
	static final String FACTORY = "ipcServices";

	@Override
	public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
		for (AnnotationAttributes services : importing.getMergedRepeatableAnnotationAttributes(ImportIpcServices.class,
				ImportIpcServices.Container.class, false)) {
			for (Class<?> type : services.getClassArray("types")) {
				register(services.getString("destination"), type, registry);
			}
		}
	}

	private static void register(String destination, Class<?> type, BeanDefinitionRegistry registry) {
		String name = destination + '#' + type.getName();
		if (registry.containsBeanDefinition(name) || hasOwn(type, registry)) {
			return;
		}
		IpcContract.of(type); // what cannot be mapped fails the start, not the first use
		if (!registry.containsBeanDefinition(FACTORY)) {
			registry.registerBeanDefinition(FACTORY, new RootBeanDefinition(IpcServices.class));
		}
		RootBeanDefinition client = new RootBeanDefinition();
		client.setTargetType(type);
		client.setFactoryBeanName(FACTORY);
		client.setFactoryMethodName("client");
		client.getConstructorArgumentValues().addIndexedArgumentValue(0, destination);
		// By name: generated code could not refer to a class that is not public.
		client.getConstructorArgumentValues().addIndexedArgumentValue(1, type.getName());
		client.addQualifier(new AutowireCandidateQualifier(Qualifier.class, destination));
		// One that the application defines later takes precedence all the same.
		client.setFallback(true);
		// A test slice has no template, and often needs no client.
		client.setLazyInit(true);
		registry.registerBeanDefinition(name, client);
	}

	/** Whether the application has a bean of that type that is no client of ours. */
	private static boolean hasOwn(Class<?> type, BeanDefinitionRegistry registry) {
		if (registry instanceof ListableBeanFactory beans) {
			for (String name : beans.getBeanNamesForType(type, true, false)) {
				if (!name.endsWith('#' + type.getName())) {
					return true;
				}
			}
		}
		return false;
	}

}
