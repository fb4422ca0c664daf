package dev.tinyipc.spring.autoconfigure;

import java.time.Duration;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildProcesses;
import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.IpcClient;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.IpcSocketFactory;
import dev.tinyipc.spring.child.ChildFactory;
import dev.tinyipc.spring.child.InProcessChildren;
import dev.tinyipc.spring.child.ParentDestination;
import org.jspecify.annotations.Nullable;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.aot.AotDetector;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.AnyNestedCondition;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnProperty;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.boot.context.properties.EnableConfigurationProperties;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.boot.thread.Threading;
import org.springframework.context.ApplicationEventPublisher;
import org.springframework.context.ConfigurableApplicationContext;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Conditional;
import org.springframework.context.annotation.Configuration;
import org.springframework.context.annotation.Primary;
import org.springframework.context.annotation.Scope;
import org.springframework.context.aot.AbstractAotProcessor;
import org.springframework.core.env.Environment;
import org.springframework.util.unit.DataSize;

/**
 * Auto-configuration for {@link CborMessageTemplate} and child processes, both those
 * declared in properties and those declared by {@code @ChildProcess}.
 */
@AutoConfiguration
@ConditionalOnClass({ IpcSocket.class, CBORMapper.class })
@EnableConfigurationProperties(IpcProperties.class)
@ChildProcesses({}) // declares none: imports the registrar of those in properties
public final class IpcAutoConfiguration {

	/** 2 GiB, less the header and what an array needs. */
	private static final long LARGEST_MESSAGE = Integer.MAX_VALUE - 8;

	@Bean
	@ConditionalOnMissingBean
	IpcSocketFactory ipcSocketFactory() {
		return IpcSocket::pair;
	}

	@Bean
	@ConditionalOnMissingBean
	IpcChannelFactory ipcChannelFactory(@Qualifier("ipc") ObjectProvider<CBORMapper> mappers,
			ObjectProvider<IpcMapperCustomizer> customizers, IpcProperties properties, Environment environment) {
		IpcProperties.Template template = properties.template();
		DataSize limit = template.maxMessageSize();
		check(limit.toBytes() > 0 && limit.toBytes() <= LARGEST_MESSAGE, "ipc.template.max-message-size", limit,
				"It must be 1 to " + LARGEST_MESSAGE + " bytes.");
		Integer maxItems = template.maxItems();
		check(maxItems == null || maxItems > 0, "ipc.template.max-items", maxItems, "It must be more than zero.");
		CBORMapper mapper = mappers
			.getIfAvailable(() -> MapperSettings.mapper(MapperSettings.customizer(template, environment), customizers));
		return (socket) -> {
			IpcChannel channel = IpcChannel.over(socket, mapper).withMaxMessageSize((int) limit.toBytes());
			return (maxItems != null) ? channel.withMaxItems(maxItems) : channel;
		};
	}

	@Bean
	ChildFactory ipcChildFactory(IpcSocketFactory socketFactory, IpcChannelFactory channelFactory,
			IpcProperties properties, Environment environment, ObjectProvider<ChildCalls> calls,
			ObjectProvider<IpcInstrumentation> instrumentation, ApplicationEventPublisher publisher,
			ObjectProvider<InProcessChildren> inProcess, ListableBeanFactory beans) {
		if (AotDetector.useGeneratedArtifacts()) {
			ChildrenOfBuild.check(properties, environment, beans);
		}
		IpcProperties.ClassSharing sharing = properties.classSharing();
		return new ChildFactory(socketFactory, channelFactory, properties.children(), environment,
				new ChildFactory.Options(properties.enabled(), properties.transport(),
						properties.parent().startChildren(), sharing.enabled(), sharing.directory(),
						MapperSettings.customizer(properties.template(), environment)),
				calls, instrumentation, publisher, inProcess);
	}

	@Bean
	CborMessageTemplateFactory ipcTemplateFactory(ObjectProvider<IpcDestination> destinations,
			ObjectProvider<IpcObserver> observer, ObjectProvider<IpcInstrumentation> instrumentation,
			IpcProperties properties, Environment environment) {
		Duration timeout = properties.template().timeout();
		check(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0,
				"ipc.template.timeout", timeout, "It must be more than zero and at most 100 years.");
		return new CborMessageTemplateFactory(destinations.orderedStream().toList(),
				observer.getIfAvailable(() -> IpcObserver.NONE),
				instrumentation.getIfAvailable(() -> IpcInstrumentation.NONE), timeout,
				Threading.VIRTUAL.isActive(environment));
	}

	/** For the server of a child that is an application itself. Each has its own. */
	@Bean
	@Scope(BeanDefinition.SCOPE_PROTOTYPE)
	@ConditionalOnMissingBean
	IpcServerBuilder ipcServerBuilder(ObjectProvider<IpcInstrumentation> instrumentation) {
		return IpcServer.builder()
			.instrumentation("parent", instrumentation.getIfAvailable(() -> IpcInstrumentation.NONE));
	}

	/** Stays the only candidate where a mock replaces a child's template. */
	@Bean
	@Primary
	@ConditionalOnMissingBean(CborMessageOperations.class)
	CborMessageTemplate cborMessageTemplate(CborMessageTemplateFactory factory, IpcProperties properties) {
		return factory.template(properties.template().defaultDestination());
	}

	@Bean
	@ConditionalOnSingleCandidate(CborMessageOperations.class)
	@ConditionalOnMissingBean
	IpcClient ipcClient(CborMessageOperations operations) {
		return IpcClient.create(operations);
	}

	@Configuration(proxyBeanMethods = false)
	@Conditional(OnParent.class)
	static class ParentConfiguration {

		/** Null if an application that was processed ahead of time is no child. */
		@Bean
		@ConditionalOnMissingBean
		@Nullable ParentDestination ipcParent(ConfigurableApplicationContext context, IpcChannelFactory channelFactory,
				IpcProperties properties, Environment environment) throws IpcException {
			if (!environment.containsProperty(IpcSocket.FD_VARIABLE)) {
				return null;
			}
			IpcChannel channel = channelFactory.createChannel(IpcSocket.inherited().orElseThrow());
			return new ParentDestination(channel, properties.parent().closeWhenGone() ? context::close : null);
		}

	}

	/** A build does not know whether the application will be started as a child. */
	static class OnParent extends AnyNestedCondition {

		OnParent() {
			super(ConfigurationPhase.PARSE_CONFIGURATION);
		}

		@ConditionalOnProperty(IpcSocket.FD_VARIABLE)
		static class StartedAsChild {

		}

		@ConditionalOnProperty(AbstractAotProcessor.AOT_PROCESSING)
		static class ProcessedAheadOfTime {

		}

	}

	private static void check(boolean valid, String name, @Nullable Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException(name, value, reason);
		}
	}

}
