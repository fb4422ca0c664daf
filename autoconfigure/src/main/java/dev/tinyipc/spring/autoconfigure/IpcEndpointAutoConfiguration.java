package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.child.IpcChild;
import dev.tinyipc.spring.IpcDestination;
import dev.tinyipc.spring.child.ParentDestination;
import dev.tinyipc.spring.actuate.IpcEndpoint;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.actuate.autoconfigure.endpoint.condition.ConditionalOnAvailableEndpoint;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;

/**
 * Auto-configuration for the Actuator endpoint {@code ipc}.
 */
@AutoConfiguration(after = IpcAutoConfiguration.class)
@ConditionalOnClass(ConditionalOnAvailableEndpoint.class)
@ConditionalOnBean(IpcDestination.class)
@ConditionalOnAvailableEndpoint(IpcEndpoint.class)
public final class IpcEndpointAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean
	IpcEndpoint ipcEndpoint(ObjectProvider<IpcChild> children, ObjectProvider<ParentDestination> parent) {
		return new IpcEndpoint(children.orderedStream().toList(), parent.getIfAvailable());
	}

}
