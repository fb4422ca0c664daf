package dev.tinyipc.spring.listener;

import dev.tinyipc.RequestGate;

import org.springframework.context.SmartLifecycle;

/**
 * Starts and stops the listeners of a destination. While it is stopped, what was begun is
 * finished, and further requests are refused.
 */
final class ListenerContainer implements SmartLifecycle {

	private final String destination;

	private final int phase;

	private final boolean autoStartup;

	private final RequestGate gate;

	private final Runnable whenStarted;

	private volatile boolean running;

	/**
	 * Creates a container, which refuses requests until it is started.
	 * @param gate that of the server
	 * @param whenStarted run each time that the gate has been opened
	 */
	ListenerContainer(String destination, int phase, boolean autoStartup, RequestGate gate, Runnable whenStarted) {
		this.destination = destination;
		this.phase = phase;
		this.autoStartup = autoStartup;
		this.gate = gate;
		this.whenStarted = whenStarted;
		gate.close();
	}

	@Override
	public void start() {
		this.gate.open();
		this.whenStarted.run();
		this.running = true;
	}

	/** Does not wait: a listener may be what stops its own container. */
	@Override
	public void stop() {
		this.running = false;
		this.gate.close();
	}

	@Override
	public void stop(Runnable callback) {
		this.running = false;
		this.gate.close().thenRun(callback);
	}

	@Override
	public boolean isRunning() {
		return this.running;
	}

	@Override
	public boolean isAutoStartup() {
		return this.autoStartup;
	}

	@Override
	public int getPhase() {
		return this.phase;
	}

	@Override
	public String toString() {
		return "listeners of '" + this.destination + '\'';
	}

}
