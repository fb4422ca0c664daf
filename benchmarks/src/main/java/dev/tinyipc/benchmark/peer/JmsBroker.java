package dev.tinyipc.benchmark.peer;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import org.apache.activemq.artemis.core.config.Configuration;
import org.apache.activemq.artemis.core.config.impl.ConfigurationImpl;
import org.apache.activemq.artemis.core.remoting.impl.netty.NettyAcceptor;
import org.apache.activemq.artemis.core.server.embedded.EmbeddedActiveMQ;
import org.apache.activemq.artemis.core.settings.impl.AddressFullMessagePolicy;
import org.apache.activemq.artemis.core.settings.impl.AddressSettings;
import org.slf4j.LoggerFactory;

/**
 * An Artemis broker in memory.
 *
 * @param address where other processes connect to
 */
record JmsBroker(String address) {

	/** Where the parent connects to. */
	static final String IN_THE_SAME_JVM = "vm://0";

	private static final long MAX_QUEUE_SIZE = 64 * 1024 * 1024;

	static JmsBroker start() throws Exception {
		// It would log each message several times, for an audit.
		((Logger) LoggerFactory.getLogger("org.apache.activemq")).setLevel(Level.ERROR);
		Configuration configuration = new ConfigurationImpl().setPersistenceEnabled(false)
			.setSecurityEnabled(false)
			.setJMXManagementEnabled(false)
			.addAcceptorConfiguration("vm", IN_THE_SAME_JVM)
			.addAcceptorConfiguration("tcp", "tcp://127.0.0.1:0")
			// Who sends faster than the child receives waits, and nothing goes to a disk.
			.addAddressSetting("#", new AddressSettings().setMaxSizeBytes(MAX_QUEUE_SIZE)
				.setAddressFullMessagePolicy(AddressFullMessagePolicy.BLOCK));
		EmbeddedActiveMQ broker = new EmbeddedActiveMQ().setConfiguration(configuration).start();
		NettyAcceptor acceptor = (NettyAcceptor) broker.getActiveMQServer().getRemotingService().getAcceptor("tcp");
		return new JmsBroker("tcp://127.0.0.1:" + acceptor.getActualPort());
	}

}
