package dev.tinyipc.spring.test;

import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

import dev.tinyipc.IpcProcess;
import dev.tinyipc.spring.IpcChannelFactory;
import dev.tinyipc.spring.child.InProcessChildren;
import dev.tinyipc.spring.child.IpcChild;
import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.beans.factory.SmartInitializingSingleton;
import org.springframework.util.Assert;

/** Finds the handlers of children among the beans. */
final class TestIpcChildren implements InProcessChildren, SmartInitializingSingleton {

	private final Map<String, TestIpcChild> children = new TreeMap<>();

	private final IpcFaults faults;

	private final ObjectProvider<IpcChannelFactory> channelFactory;

	private final ObjectProvider<IpcChild> declared;

	TestIpcChildren(ObjectProvider<TestIpcChild> children, IpcFaults faults,
			ObjectProvider<IpcChannelFactory> channelFactory, ObjectProvider<IpcChild> declared) {
		children.forEach((child) -> {
			TestIpcChild other = this.children.put(child.name(), child);
			Assert.state(other == null, () -> "There are two TestIpcChild beans for '" + child.name() + '\'');
		});
		this.faults = faults;
		this.faults.children(this.children.keySet());
		this.channelFactory = channelFactory;
		this.declared = declared;
	}

	@Override
	public IpcProcess.@Nullable Program program(String child) {
		TestIpcChild found = this.children.get(child);
		return (found != null) ? new TestIpcProgram(found, this.faults, this.channelFactory.getObject()) : null;
	}

	/** A typo would otherwise show as a child that is not running. */
	@Override
	public void afterSingletonsInstantiated() {
		List<String> names = this.declared.stream().map(IpcChild::name).sorted().toList();
		String unknown = this.children.keySet()
			.stream()
			.filter((child) -> !names.contains(child))
			.collect(Collectors.joining(", "));
		Assert.state(unknown.isEmpty(), () -> "There are TestIpcChild beans for children that are not declared: "
				+ unknown + ". Declared are: " + (names.isEmpty() ? "none" : String.join(", ", names)));
	}

}
