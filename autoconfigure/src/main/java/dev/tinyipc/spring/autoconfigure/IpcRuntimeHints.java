package dev.tinyipc.spring.autoconfigure;

import java.util.List;

import org.jspecify.annotations.Nullable;

import org.springframework.aot.hint.ExecutableMode;
import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.aot.hint.TypeReference;

/**
 * Hints for what the core finds by reflection, and for its native methods. Those of JNA
 * itself are in the reachability metadata repository of GraalVM.
 */
class IpcRuntimeHints implements RuntimeHintsRegistrar {

	@Override
	public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
		for (String natives : List.of("dev.tinyipc.LibC", "dev.tinyipc.LibC$Spawn")) {
			// JNA looks for native methods, and binds each to its address.
			hints.reflection().registerType(TypeReference.of(natives), MemberCategory.INVOKE_DECLARED_METHODS);
			hints.jni().registerType(TypeReference.of(natives), MemberCategory.INVOKE_DECLARED_METHODS);
		}
		hints.resources().registerPattern("com/sun/jna/linux-*/libjnidispatch.so");
		// The handler of SIGTERM in a child.
		hints.reflection()
			.registerType(TypeReference.of("sun.misc.Signal"), MemberCategory.INVOKE_PUBLIC_CONSTRUCTORS,
					MemberCategory.INVOKE_PUBLIC_METHODS)
			.registerType(TypeReference.of("sun.misc.SignalHandler"), MemberCategory.INVOKE_PUBLIC_METHODS)
			.registerType(TypeReference.of("dev.tinyipc.Termination"), MemberCategory.INVOKE_DECLARED_METHODS);
		hints.proxies().registerJdkProxy(TypeReference.of("sun.misc.SignalHandler"));
		// Handles of a field and of a method that only newer JVMs have.
		hints.reflection()
			.registerType(TypeReference.of("dev.tinyipc.OwnedFd"), (type) -> type.withField("state"))
			.registerType(Thread.class, (type) -> type.withMethod("isVirtual", List.of(), ExecutableMode.INVOKE));
	}

}
