package dev.tinyipc.spring.autoconfigure;

import java.time.Duration;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.CborMessageTemplateFactory;
import dev.tinyipc.spring.child.ChildFactory;
import dev.tinyipc.spring.ChildProcessRegistrar;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.IpcSocketFactory;
import dev.tinyipc.spring.child.ParentDestination;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Import;
import org.springframework.core.env.Environment;

/**
 * Auto-configuration of a {@link CborMessageTemplate}, and of the child processes that
 * are declared in properties.
 */
@AutoConfiguration(afterName = "org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration")
@ConditionalOnClass({ IpcSocket.class, CBORMapper.class })
@EnableConfigurationProperties(IpcProperties.class)
@Import(ChildProcessRegistrar.class)
public final class IpcAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	IpcSocketFactory ipcSocketFactory() {
		return IpcSocket::pair;
	}

	@Bean(ChildProcessRegistrar.CHILD_FACTORY)
	ChildFactory ipcChildFactory(IpcSocketFactory socketFactory, IpcProperties properties, Environment environment) {
		IpcProperties.ClassSharing sharing = properties.classSharing();
		return new ChildFactory(socketFactory, properties.children(), environment, sharing.enabled(),
				sharing.directory(), (int) properties.template().maxMessageSize().toBytes());
	}

	@Bean(ChildProcessRegistrar.TEMPLATE_FACTORY)
	CborMessageTemplateFactory ipcTemplateFactory(ObjectProvider<CBORMapper> mapper,
			ObjectProvider<IpcDestination> destinations, ObjectProvider<IpcObserver> observer,
			IpcProperties properties) {
		IpcProperties.Template template = properties.template();
		Duration timeout = template.timeout();
		check(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0,
				"ipc.template.timeout", timeout, "It must be more than zero and at most 100 years.");
		long maxMessageSize = template.maxMessageSize().toBytes();
		check(maxMessageSize > 0 && maxMessageSize < Integer.MAX_VALUE, "ipc.template.max-message-size",
				template.maxMessageSize(), "It must be more than zero and less than 2 GB.");
		return new CborMessageTemplateFactory(mapper.getIfAvailable(CBORMapper::new),
				destinations.orderedStream().toList(), observer.getIfAvailable(() -> IpcObserver.NONE), timeout,
				(int) maxMessageSize);
	}

	@Bean
	@ConditionalOnMissingBean(CborMessageOperations.class)
	CborMessageTemplate cborMessageTemplate(CborMessageTemplateFactory factory, IpcProperties properties) {
		return factory.template(properties.template().defaultDestination());
	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnProperty(IpcSocket.FD_VARIABLE)
	static class ParentConfiguration {

		@Bean
		ParentDestination ipcParent(ConfigurableApplicationContext context, IpcProperties properties)
				throws IpcException {
			IpcSocket socket = IpcSocket.inherited().orElseThrow();
			return new ParentDestination(socket, properties.parent().closeWhenGone() ? context::close : null);
		}

	}

	private static void check(boolean valid, String name, Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException(name, value, reason);
		}
	}

}
