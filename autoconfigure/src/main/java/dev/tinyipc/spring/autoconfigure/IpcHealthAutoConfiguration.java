package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.actuate.IpcHealthIndicator;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.health.autoconfigure.contributor.ConditionalOnEnabledHealthIndicator;
import org.springframework.boot.health.contributor.HealthIndicator;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration for the health indicator of child processes.
 */
@AutoConfiguration(after = IpcAutoConfiguration.class)
@ConditionalOnClass({ HealthIndicator.class, ConditionalOnEnabledHealthIndicator.class })
@ConditionalOnBean(IpcChild.class)
@ConditionalOnEnabledHealthIndicator("ipc")
public final class IpcHealthAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(name = "ipcHealthIndicator")
	IpcHealthIndicator ipcHealthIndicator(ObjectProvider<IpcChild> children) {
		return new IpcHealthIndicator(children.orderedStream().toList());
	}

}
