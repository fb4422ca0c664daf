package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.util.function.Consumer;

import jakarta.jms.Message;

import org.springframework.jms.core.JmsTemplate;
import org.springframework.jms.listener.SimpleMessageListenerContainer;
import org.springframework.jms.listener.SessionAwareMessageListener;

/** The child of {@link JmsContender}. */
final class JmsChild {

	private final JmsTemplate template;

	private final String replies;

	private long count;

	private JmsChild(JmsTemplate template, String replies) {
		this.template = template;
		this.replies = replies;
	}

	/**
	 * Serves until its input ends.
	 * @param arguments the kind, the broker's address, and the queues of requests and of
	 * replies
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		Kind kind = Kind.valueOf(arguments[0]);
		try (JmsConnection connection = JmsConnection.open(arguments[1], kind)) {
			JmsTemplate template = connection.template();
			JmsChild child = new JmsChild(template, arguments[3]);
			Consumer<Object> receiver = (kind == Kind.COUNT) ? child::count : child::answer;
			SimpleMessageListenerContainer container = new SimpleMessageListenerContainer();
			container.setConnectionFactory(connection.factory());
			container.setDestinationName(arguments[2]);
			container.setMessageListener((SessionAwareMessageListener<Message>) (message, session) -> receiver
				.accept(template.getMessageConverter().fromMessage(message)));
			container.afterPropertiesSet();
			container.start();
			ChildJvm.tellReady("");
			container.shutdown();
		}
		System.exit(0);
	}

	private void answer(Object content) {
		this.template.convertAndSend(this.replies, content);
	}

	private void count(Object content) {
		this.count++;
		if (((byte[]) content)[0] == 1) {
			answer(String.valueOf(this.count));
			this.count = 0;
		}
	}

}
