package dev.tinyipc.spring.autoconfigure;

import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.Map;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.child.ChildSettings;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.ConfigurationProperties;
import org.springframework.util.unit.DataSize;

/**
 * Properties for messages and child processes.
 */
@ConfigurationProperties("ipc")
public class IpcProperties {

	/**
	 * Child processes by name. What is set here takes precedence over @ChildProcess.
	 */
	private final Map<String, ChildSettings> children = new LinkedHashMap<>();

	private final ClassSharing classSharing = new ClassSharing();

	private final Parent parent = new Parent();

	private final Template template = new Template();

	public Map<String, ChildSettings> getChildren() {
		return this.children;
	}

	public ClassSharing getClassSharing() {
		return this.classSharing;
	}

	public Parent getParent() {
		return this.parent;
	}

	public Template getTemplate() {
		return this.template;
	}

	public static class ClassSharing {

		/**
		 * Whether the JVMs of main classes share loaded classes between starts.
		 */
		private boolean enabled = true;

		/**
		 * Folder in which the shared classes are kept.
		 */
		private Path directory = Path.of(System.getProperty("user.home"), ".cache", "tiny-ipc");

		public boolean isEnabled() {
			return this.enabled;
		}

		public void setEnabled(boolean enabled) {
			this.enabled = enabled;
		}

		public Path getDirectory() {
			return this.directory;
		}

		public void setDirectory(Path directory) {
			this.directory = directory;
		}

	}

	public static class Parent {

		/**
		 * Whether the application, if it was started as a child, closes when its parent
		 * is gone.
		 */
		private boolean closeWhenGone = true;

		public boolean isCloseWhenGone() {
			return this.closeWhenGone;
		}

		public void setCloseWhenGone(boolean closeWhenGone) {
			this.closeWhenGone = closeWhenGone;
		}

	}

	public static class Template {

		/**
		 * Destination of calls that name none. By default the only child.
		 */
		private @Nullable String defaultDestination;

		/**
		 * Time that a call which names no time-out may take.
		 */
		private Duration timeout = CborMessageTemplate.DEFAULT_TIMEOUT;

		/**
		 * Largest message that is sent and accepted.
		 */
		private DataSize maxMessageSize = DataSize.ofBytes(IpcChannel.DEFAULT_MAX_MESSAGE_SIZE);

		public @Nullable String getDefaultDestination() {
			return this.defaultDestination;
		}

		public void setDefaultDestination(@Nullable String defaultDestination) {
			this.defaultDestination = defaultDestination;
		}

		public Duration getTimeout() {
			return this.timeout;
		}

		public void setTimeout(Duration timeout) {
			this.timeout = timeout;
		}

		public DataSize getMaxMessageSize() {
			return this.maxMessageSize;
		}

		public void setMaxMessageSize(DataSize maxMessageSize) {
			this.maxMessageSize = maxMessageSize;
		}

	}

}
