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
 * @param enabled Whether to start child processes. If not, calls to them fail.
 * @param transport Way of the messages to children that name none: through memory that
 * both ends share, or through sockets. With "auto", it is memory if the child's hello
 * says that it can.
 * @param children Child processes, by name. These settings take precedence over the
 * annotation.
 * @param classSharing Sharing of loaded classes between JVMs.
 * @param listener Listeners, which serve the requests of a parent or of children.
 * @param parent Behavior of an application that was itself started as a child.
 * @param template Auto-configured template.
 */
@ConfigurationProperties("ipc")
record IpcProperties(@DefaultValue("true") boolean enabled, @DefaultValue("auto") ChildSettings.Transport transport,
		@DefaultValue Map<String, ChildSettings> children, @DefaultValue ClassSharing classSharing,
		@DefaultValue Listener listener, @DefaultValue Parent parent, @DefaultValue Template template) {

	/**
	 * Sharing of loaded classes between the JVMs of main classes.
	 *
	 * @param enabled Whether the JVMs of main classes share loaded classes between
	 * starts.
	 * @param directory Directory of the shared classes, which only this user may be able
	 * to write to. By default, tiny-ipc in $XDG_CACHE_HOME or ~/.cache.
	 */
	record ClassSharing(@DefaultValue("true") boolean enabled, @Nullable Path directory) {

	}

	/**
	 * Listeners, which serve the requests of a parent or of children.
	 *
	 * @param autoStartup Whether listeners start with the application.
	 * @param concurrency Number of requests of the parent that are served at a time, in
	 * an application that was started as a child.
	 */
	record Listener(@DefaultValue("true") boolean autoStartup, @DefaultValue("1") int concurrency) {

	}

	/**
	 * Behavior of an application that was itself started as a child.
	 *
	 * @param closeWhenGone Whether an application that was started as a child closes when
	 * its parent is gone.
	 * @param startChildren Whether an application that was started as a child starts
	 * children of its own.
	 */
	record Parent(@DefaultValue("true") boolean closeWhenGone, boolean startChildren) {

	}

	/**
	 * The auto-configured template.
	 *
	 * @param defaultDestination Destination of calls that name none. By default, the only
	 * child.
	 * @param timeout Timeout of a call that names none.
	 * @param maxMessageSize Maximum size of a message, in both directions.
	 * @param maxItems Maximum number of data items (values, keys, arrays and so on) in a
	 * received message. By default, one for each 16 bytes of the maximum message size,
	 * and at least 100,000.
	 * @param mapperCustomizer Class that customizes the CBOR mapper of the template and
	 * of every child that is a main class.
	 */
	record Template(@Nullable String defaultDestination, @DefaultValue("30s") Duration timeout,
			@DefaultValue("16MB") DataSize maxMessageSize, @Nullable Integer maxItems,
			@Nullable Class<? extends IpcMapperCustomizer> mapperCustomizer) {

	}

}
