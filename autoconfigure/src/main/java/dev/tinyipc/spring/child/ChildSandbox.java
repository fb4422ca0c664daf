package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.ResourceLimits;
import dev.tinyipc.Sandbox;
import org.jspecify.annotations.Nullable;

import org.springframework.util.unit.DataSize;

/** The sandbox of a child, from its specification. */
final class ChildSandbox {

	private ChildSandbox() {
	}

	static Sandbox of(ChildSpec spec) {
		ChildSettings settings = spec.settings();
		ChildSettings.Sandbox paths = settings.sandbox();
		Path directory = settings.directory();
		Sandbox sandbox = Sandbox.of(spec.profile())
			.read(resolve(paths.read(), directory))
			.write(resolve(paths.write(), directory))
			.execute(resolve(paths.execute(), directory))
			.required(paths.required())
			.limits(limits(settings));
		return (settings.environmentPolicy() != null) ? sandbox.environmentPolicy(settings.environmentPolicy())
				: sandbox;
	}

	/** As the child itself would. */
	private static List<Path> resolve(List<Path> paths, @Nullable Path directory) {
		return (directory != null) ? paths.stream().map(directory::resolve).toList() : paths;
	}

	private static ResourceLimits limits(ChildSettings settings) {
		ChildSettings.Limits limits = settings.limits();
		return new ResourceLimits(bytes(limits.memory()), limits.cpuTime(), number(limits.openFiles()),
				number(limits.processes()), bytes(limits.fileSize()), settings.nice());
	}

	private static @Nullable Long bytes(@Nullable DataSize size) {
		return (size != null) ? size.toBytes() : null;
	}

	private static @Nullable Long number(@Nullable Integer number) {
		return (number != null) ? number.longValue() : null;
	}

}
