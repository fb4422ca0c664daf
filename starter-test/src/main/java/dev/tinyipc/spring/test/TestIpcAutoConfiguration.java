package dev.tinyipc.spring.test;

import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.child.InProcessChildren;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.context.annotation.Bean;

/** Auto-configuration that {@link AutoConfigureTestIpc} imports. */
@AutoConfiguration
final class TestIpcAutoConfiguration {

	@Bean
	IpcFaults ipcFaults() {
		return new IpcFaults();
	}

	@Bean
	InProcessChildren testIpcChildren(ObjectProvider<TestIpcChild> children, IpcFaults faults,
			ObjectProvider<IpcChannelFactory> channelFactory, ObjectProvider<IpcChild> declared) {
		return new TestIpcChildren(children, faults, channelFactory, declared);
	}

}
