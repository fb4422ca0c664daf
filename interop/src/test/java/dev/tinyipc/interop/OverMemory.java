package dev.tinyipc.interop;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/**
 * Has the conversations of a test class go through memory, with the children that accept
 * it, and leaves out the others.
 */
final class OverMemory implements BeforeAllCallback, AfterAllCallback {

	/** Zero while conversations go over sockets. */
	private static volatile int current;

	private final int ringSize;

	/**
	 * With rings of a size.
	 * @param ringSize for each direction, in bytes
	 */
	OverMemory(int ringSize) {
		this.ringSize = ringSize;
	}

	static boolean isOn() {
		return current > 0;
	}

	static int ringSize() {
		return current;
	}

	static boolean includes(Language language) {
		return !isOn() || language.memory();
	}

	@Override
	public void beforeAll(ExtensionContext context) {
		current = this.ringSize;
	}

	@Override
	public void afterAll(ExtensionContext context) {
		current = 0;
	}

}
