package dev.tinyipc.spring;

import java.time.Duration;

/**
 * Is told of every message that goes through a template. What it throws is logged and
 * changes nothing for the caller; it must not block.
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
		 * An exchange begins, for which an instance of the peer was free or became free.
		 * @param waited how long the call waited for it
		 */
		default void acquired(Duration waited) {
		}

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
		 * @param duration from the request to the reply, without the wait for an instance
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
