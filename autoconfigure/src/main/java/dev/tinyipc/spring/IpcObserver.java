package dev.tinyipc.spring;

import java.time.Duration;

/**
 * Is told of every message that goes through a template. The default tells nobody.
 */
public interface IpcObserver {

	/** An observer that does nothing. */
	IpcObserver NONE = (name) -> new Destination() {
	};

	/**
	 * Observes one destination. Called once for each template and destination.
	 * @param name the destination's name
	 * @return what is told of each of its messages
	 */
	Destination destination(String name);

	/** Observes the messages of one destination. */
	interface Destination {

		/**
		 * A message was sent.
		 * @param bytes its size on the wire
		 * @param descriptors how many went with it
		 */
		default void sent(long bytes, int descriptors) {
		}

		/**
		 * A message was received.
		 * @param bytes its size on the wire
		 * @param descriptors how many came with it
		 */
		default void received(long bytes, int descriptors) {
		}

		/**
		 * A request was answered.
		 * @param duration from the call to the reply
		 */
		default void exchanged(Duration duration) {
		}

		/**
		 * A call failed.
		 * @param error what the caller gets
		 */
		default void failed(IpcMessagingException error) {
		}

	}

}
