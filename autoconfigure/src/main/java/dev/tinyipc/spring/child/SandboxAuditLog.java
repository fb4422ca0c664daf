package dev.tinyipc.spring.child;

import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;

import dev.tinyipc.Sandbox;
import dev.tinyipc.SandboxNeed;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Logs what a child does that its sandbox would deny, and the lines of configuration that
 * allow it: a while after something new was found, and when a process ends. What was
 * found is kept from one process of the child to the next.
 */
final class SandboxAuditLog {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	/** Programs open files in bursts, which make one log message. */
	private static final Duration BURST = Duration.ofSeconds(2);

	private static final int MAX_LINES = 100;

	private final ChildSpec spec;

	private final Sandbox sandbox;

	private final Set<SandboxNeed> needs = new LinkedHashSet<>();

	private final List<SandboxNeed> untold = new ArrayList<>();

	SandboxAuditLog(ChildSpec spec, Sandbox sandbox) {
		this.spec = spec;
		this.sandbox = sandbox;
	}

	/**
	 * Takes a need. The child waits meanwhile, so this logs nothing.
	 * @param log has it logged later
	 */
	synchronized void needed(SandboxNeed need, ChildLog log) {
		if (this.needs.add(need)) {
			this.untold.add(need);
			if (this.untold.size() == 1) {
				log.schedule(BURST, this::tellNews);
			}
		}
	}

	/** A process has ended, all of whose needs are known. */
	synchronized void ended() {
		if (this.needs.isEmpty()) {
			logger.info("{} did nothing that its profile {} would deny", this.spec, profile());
		}
		else {
			tellNews();
			logger.info("{} has ended. In all, it needs:{}", this.spec, configuration());
		}
	}

	private synchronized void tellNews() {
		if (this.untold.isEmpty()) {
			return; // told at the end of a process
		}
		StringBuilder lines = new StringBuilder();
		this.untold.stream().limit(MAX_LINES).forEach((need) -> lines.append("\n    ").append(escape(need.toString())));
		if (this.untold.size() > MAX_LINES) {
			lines.append("\n    and ").append(this.untold.size() - MAX_LINES).append(" more");
		}
		this.untold.clear();
		logger.info("{} did what its profile {} would deny:{}\nSo far, it needs:{}", this.spec, profile(), lines,
				configuration());
	}

	private String profile() {
		return this.sandbox.profile().name().toLowerCase(Locale.ROOT).replace('_', '-');
	}

	/** Lines to copy, and what no line allows. */
	private String configuration() {
		Sandbox found = this.sandbox.allow(this.needs);
		StringBuilder lines = new StringBuilder();
		append(lines, "read", this.sandbox.readable(), found.readable());
		append(lines, "write", this.sandbox.writable(), found.writable());
		append(lines, "execute", this.sandbox.executable(), found.executable());
		Set<String> others = new LinkedHashSet<>();
		for (SandboxNeed need : this.needs) {
			if (!isAllowed(need, found)) {
				others.add(escape(need.toString())
						+ ((need.access() == SandboxNeed.Access.OTHER) ? ": no property allows it"
								: ": others use it, too; allow it only if the child may have all of it"));
			}
		}
		others.stream().limit(MAX_LINES).forEach((line) -> lines.append("\n    # ").append(line));
		if (others.size() > MAX_LINES) {
			lines.append("\n    # and ").append(others.size() - MAX_LINES).append(" more that no line allows");
		}
		return lines.toString();
	}

	private void append(StringBuilder lines, String property, Set<Path> configured, Set<Path> needed) {
		if (needed.equals(configured)) {
			return;
		}
		String name = "\n    ipc.children." + this.spec.name() + ".sandbox." + property;
		List<String> paths = needed.stream().map(Path::toString).sorted().map(SandboxAuditLog::escape).toList();
		if (paths.stream().noneMatch((path) -> path.contains(","))) {
			lines.append(name).append('=').append(String.join(",", paths));
			return;
		}
		for (int i = 0; i < paths.size(); i++) {
			lines.append(name).append('[').append(i).append("]=").append(paths.get(i));
		}
	}

	private static boolean isAllowed(SandboxNeed need, Sandbox sandbox) {
		return switch (need.access()) {
			case READ -> isBelow(need, sandbox.readable()) || isBelow(need, sandbox.writable())
					|| isBelow(need, sandbox.executable());
			case WRITE -> isBelow(need, sandbox.writable());
			case EXECUTE -> isBelow(need, sandbox.executable());
			case OTHER -> false;
		};
	}

	private static boolean isBelow(SandboxNeed need, Set<Path> folders) {
		Path path = need.path();
		return path != null && folders.stream().anyMatch(path::startsWith);
	}

	/** A child may give files any name. */
	private static String escape(String text) {
		return ControlCharacters.escape(text);
	}

}
