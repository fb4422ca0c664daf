package dev.tinyipc.spring.autoconfigure;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;

import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.spring.child.ChildSettings;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.boot.context.properties.bind.DefaultValue;
import org.springframework.util.unit.DataSize;

/**
 * Properties for messages and child processes.
 *
 * @param enabled Whether child processes are started. Otherwise calls of them fail.
 * @param children Child processes by name. What is set here takes precedence over the
 * annotation.
 * @param classSharing how JVMs share loaded classes
 * @param parent what an application does that was itself started as a child
 * @param template the auto-configured template
 */
@ConfigurationProperties("ipc")
record IpcProperties(@DefaultValue("true") boolean enabled, @DefaultValue Map<String, ChildSettings> children,
		@DefaultValue ClassSharing classSharing, @DefaultValue Parent parent, @DefaultValue Template template) {

	/**
	 * How the JVMs of main classes share loaded classes.
	 *
	 * @param enabled Whether the JVMs of main classes share loaded classes between
	 * starts.
	 * @param directory Folder in which the shared classes are kept. Only this user may be
	 * able to write to it. By default tiny-ipc in $XDG_CACHE_HOME or ~/.cache.
	 */
	record ClassSharing(@DefaultValue("true") boolean enabled, @Nullable Path directory) {

	}

	/**
	 * What an application does that was itself started as a child.
	 *
	 * @param closeWhenGone Whether the application, if it was started as a child, closes
	 * when its parent is gone.
	 * @param startChildren Whether the application, if it was started as a child, starts
	 * children of its own.
	 */
	record Parent(@DefaultValue("true") boolean closeWhenGone, boolean startChildren) {

	}

	/**
	 * The auto-configured template.
	 *
	 * @param defaultDestination Destination of calls that name none. By default the only
	 * child.
	 * @param timeout Timeout of a call that names none.
	 * @param maxMessageSize Largest message that is sent and accepted.
	 * @param maxItems Largest number of data items (values, keys, arrays and so on) in a
	 * received message. By default one for each 16 bytes of the largest message.
	 * @param mapperCustomizer Class that configures the CBOR mapper, of the template and
	 * of every child that is a main class.
	 */
	record Template(@Nullable String defaultDestination, @DefaultValue("30s") Duration timeout,
			@DefaultValue("16MB") DataSize maxMessageSize, @Nullable Integer maxItems,
			@Nullable Class<? extends IpcMapperCustomizer> mapperCustomizer) {

	}

}
