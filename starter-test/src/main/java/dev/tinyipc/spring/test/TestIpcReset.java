package dev.tinyipc.spring.test;

import dev.tinyipc.spring.child.ChildState;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.context.ApplicationContext;
import org.springframework.test.context.TestContext;
import org.springframework.test.context.TestExecutionListener;

/**
 * Gives the next test a fresh start in the same context: without faults that no request
 * has met, and without a child that has failed for good.
 */
final class TestIpcReset implements TestExecutionListener {

	@Override
	public void afterTestMethod(TestContext test) {
		if (!test.hasApplicationContext()) {
			return;
		}
		ApplicationContext context = test.getApplicationContext();
		context.getBeanProvider(IpcFaults.class).ifAvailable((faults) -> {
			faults.clear();
			context.getBeanProvider(IpcChild.class).forEach(TestIpcReset::revive);
		});
	}

	private static void revive(IpcChild child) {
		if (child.instances().stream().anyMatch((instance) -> instance.state() == ChildState.FAILED)) {
			child.startInstances();
		}
	}

}
