package dev.tinyipc;

import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.BeforeAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Has the conversations of a test class go through memory, not through sockets. */
final class OverMemory implements BeforeAllCallback, AfterAllCallback {

	@Override
	public void beforeAll(ExtensionContext context) {
		Conversation.overMemory = true;
	}

	@Override
	public void afterAll(ExtensionContext context) {
		Conversation.overMemory = context.getParent().flatMap(ExtensionContext::getTestClass).isPresent();
	}

}
