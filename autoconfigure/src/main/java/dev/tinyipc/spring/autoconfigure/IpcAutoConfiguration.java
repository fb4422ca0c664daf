package dev.tinyipc.spring.autoconfigure;

import java.time.Duration;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.CborMessageTemplateFactory;
import dev.tinyipc.spring.child.ChildFactory;
import dev.tinyipc.spring.ChildProcessRegistrar;
import dev.tinyipc.spring.IpcChannelFactory;
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
import org.springframework.util.unit.DataSize;

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

	@Bean
	@ConditionalOnMissingBean
	IpcChannelFactory ipcChannelFactory(ObjectProvider<CBORMapper> mappers, IpcProperties properties) {
		DataSize limit = properties.template().maxMessageSize();
		check(limit.toBytes() > 0 && limit.toBytes() < Integer.MAX_VALUE, "ipc.template.max-message-size", limit,
				"It must be more than zero and less than 2 GB.");
		CBORMapper mapper = mappers.getIfAvailable(CBORMapper::new);
		return (socket) -> IpcChannel.over(socket, mapper).withMaxMessageSize((int) limit.toBytes());
	}

	@Bean(ChildProcessRegistrar.CHILD_FACTORY)
	ChildFactory ipcChildFactory(IpcSocketFactory socketFactory, IpcChannelFactory channelFactory,
			IpcProperties properties, Environment environment) {
		IpcProperties.ClassSharing sharing = properties.classSharing();
		return new ChildFactory(socketFactory, channelFactory, properties.children(), environment, sharing.enabled(),
				sharing.directory());
	}

	@Bean(ChildProcessRegistrar.TEMPLATE_FACTORY)
	CborMessageTemplateFactory ipcTemplateFactory(ObjectProvider<IpcDestination> destinations,
			ObjectProvider<IpcObserver> observer, IpcProperties properties) {
		Duration timeout = properties.template().timeout();
		check(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0,
				"ipc.template.timeout", timeout, "It must be more than zero and at most 100 years.");
		return new CborMessageTemplateFactory(destinations.orderedStream().toList(),
				observer.getIfAvailable(() -> IpcObserver.NONE), timeout);
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
		ParentDestination ipcParent(ConfigurableApplicationContext context, IpcChannelFactory channelFactory,
				IpcProperties properties) throws IpcException {
			IpcChannel channel = channelFactory.createChannel(IpcSocket.inherited().orElseThrow());
			return new ParentDestination(channel, properties.parent().closeWhenGone() ? context::close : null);
		}

	}

	private static void check(boolean valid, String name, Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException(name, value, reason);
		}
	}

}
