package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcObserver;
import dev.tinyipc.spring.actuate.IpcChildMetrics;
import dev.tinyipc.spring.actuate.MicrometerIpcObserver;
import io.micrometer.core.instrument.MeterRegistry;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration for the metrics of messages and child processes.
 */
@AutoConfiguration(
		afterName = "org.springframework.boot.micrometer.metrics.autoconfigure.CompositeMeterRegistryAutoConfiguration")
@ConditionalOnClass(MeterRegistry.class)
@ConditionalOnBean(MeterRegistry.class)
public final class IpcMetricsAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(IpcObserver.class)
	MicrometerIpcObserver ipcObserver(MeterRegistry registry) {
		return new MicrometerIpcObserver(registry);
	}

	@Bean
	@ConditionalOnMissingBean
	IpcChildMetrics ipcChildMetrics(ObjectProvider<IpcChild> children) {
		return new IpcChildMetrics(children.orderedStream().toList());
	}

}
