package dev.tinyipc.benchmark.peer;

import java.util.concurrent.TimeUnit;

import dev.tinyipc.benchmark.Order;
import jakarta.jms.DeliveryMode;
import org.apache.activemq.artemis.jms.client.ActiveMQConnectionFactory;

import org.springframework.jms.connection.CachingConnectionFactory;
import org.springframework.jms.core.JmsTemplate;
import org.springframework.jms.support.converter.JacksonJsonMessageConverter;
import org.springframework.jms.support.converter.MessageConverter;
import org.springframework.jms.support.converter.MessageType;
import org.springframework.jms.support.converter.SimpleMessageConverter;

/**
 * A connection to the broker, whose session, producer and consumer are kept, as Spring
 * Boot does it.
 *
 * @param factory of the connection
 * @param template to send and receive by it: objects as JSON, bytes as they are
 */
record JmsConnection(CachingConnectionFactory factory, JmsTemplate template) implements AutoCloseable {

	/** Beyond it Artemis sends a message in pieces, which is made for files. */
	private static final int LARGE = 64 * 1024 * 1024;

	static JmsConnection open(String address, Kind kind) {
		ActiveMQConnectionFactory connections = new ActiveMQConnectionFactory(address);
		connections.setMinLargeMessageSize(LARGE);
		CachingConnectionFactory factory = new CachingConnectionFactory(connections);
		JmsTemplate template = new JmsTemplate(factory);
		template.setMessageConverter(converter(kind));
		template.setExplicitQosEnabled(true);
		template.setDeliveryMode(DeliveryMode.NON_PERSISTENT);
		template.setReceiveTimeout(TimeUnit.MINUTES.toMillis(1));
		return new JmsConnection(factory, template);
	}

	private static MessageConverter converter(Kind kind) {
		if (kind != Kind.ORDER && kind != Kind.ORDERS) {
			return new SimpleMessageConverter();
		}
		JacksonJsonMessageConverter converter = new JacksonJsonMessageConverter();
		converter.setTargetType(MessageType.TEXT);
		converter.setTypeIdPropertyName("type");
		converter.setTrustedPackages(Order.class.getPackageName());
		return converter;
	}

	@Override
	public void close() {
		this.factory.destroy();
	}

}
