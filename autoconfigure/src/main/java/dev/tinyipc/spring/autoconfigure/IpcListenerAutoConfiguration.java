package dev.tinyipc.spring.autoconfigure;

import java.util.concurrent.ThreadFactory;

import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.listener.IpcListenerEndpointRegistry;
import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.config.ConfigurableListableBeanFactory;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.SearchStrategy;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.thread.Threading;
import org.springframework.context.annotation.Bean;
import org.springframework.core.env.Environment;
import org.springframework.core.task.VirtualThreadTaskExecutor;
import org.springframework.messaging.handler.annotation.support.MessageHandlerMethodFactory;
import org.springframework.validation.Validator;

/** Auto-configuration for {@link dev.tinyipc.spring.IpcListener @IpcListener}. */
@AutoConfiguration(after = IpcAutoConfiguration.class)
@ConditionalOnClass(MessageHandlerMethodFactory.class)
@ConditionalOnBean(IpcChannelFactory.class)
public final class IpcListenerAutoConfiguration {

	/** Each context has one, for its own beans. */
	@Bean
	@ConditionalOnMissingBean(search = SearchStrategy.CURRENT)
	IpcListenerEndpointRegistry ipcListenerEndpointRegistry(ConfigurableListableBeanFactory beanFactory,
			IpcProperties properties, Environment environment, ObjectProvider<Validator> validator) {
		IpcProperties.Listener listener = properties.listener();
		if (listener.concurrency() < 1) {
			throw new InvalidConfigurationPropertyValueException("ipc.listener.concurrency", listener.concurrency(),
					"It must be more than zero.");
		}
		return new IpcListenerEndpointRegistry(beanFactory, new IpcListenerEndpointRegistry.Settings(
				listener.autoStartup(), listener.concurrency(), threads(environment), validator.getIfUnique()));
	}

	private static @Nullable ThreadFactory threads(Environment environment) {
		return Threading.VIRTUAL.isActive(environment)
				? new VirtualThreadTaskExecutor("ipc-listener-").getVirtualThreadFactory() : null;
	}

}
