package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.IpcMessagingTemplate;

import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnSingleCandidate;
import org.springframework.context.annotation.Bean;
import org.springframework.messaging.core.AbstractMessagingTemplate;

/** Auto-configuration for {@link IpcMessagingTemplate}, if Spring Messaging is there. */
@AutoConfiguration(after = IpcAutoConfiguration.class)
@ConditionalOnClass(AbstractMessagingTemplate.class)
public final class IpcMessagingAutoConfiguration {

	@Bean
	@ConditionalOnSingleCandidate(CborMessageOperations.class)
	@ConditionalOnMissingBean
	IpcMessagingTemplate ipcMessagingTemplate(CborMessageOperations operations) {
		return new IpcMessagingTemplate(operations);
	}

}
