package dev.tinyipc.benchmark.peer;

import java.util.List;

import dev.tinyipc.benchmark.Contender;
import org.jspecify.annotations.Nullable;

/**
 * {@link org.springframework.jms.core.JmsTemplate}, a request and a reply queue in an
 * Artemis broker that is embedded in the parent, and a child that connects to it over the
 * loopback. Nothing is kept on disk. The broker is started with the first child and
 * stays.
 */
public final class JmsContender implements Contender {

	private @Nullable JmsBroker broker;

	private int children;

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(this::start, work, parameters);
	}

	private Peer.Link start(Kind kind) throws Exception {
		if (this.broker == null) {
			this.broker = JmsBroker.start();
		}
		// Queues of its own, so that it gets nothing that was meant for the one before.
		JmsQueues queues = new JmsQueues("requests-" + this.children, "replies-" + this.children++);
		ChildJvm child = ChildJvm.start(JmsChild.class, kind, this.broker.address(), queues.requests(),
				queues.replies());
		return new JmsLink(JmsConnection.open(JmsBroker.IN_THE_SAME_JVM, kind), queues, child);
	}

}
