package dev.tinyipc;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Has the conversations of a test class go through memory, not through sockets. */
final class OverMemory implements BeforeAllCallback, AfterAllCallback {

	@Override
	public void beforeAll(ExtensionContext context) {
		use(true);
	}

	@Override
	public void afterAll(ExtensionContext context) {
		use(context.getParent().flatMap(ExtensionContext::getTestClass).isPresent());
	}

	private static void use(boolean memory) {
		System.setProperty(MemoryLane.DEFAULT, String.valueOf(memory));
	}

}
