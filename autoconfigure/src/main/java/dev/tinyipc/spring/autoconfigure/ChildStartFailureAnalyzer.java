package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcException;
import dev.tinyipc.spring.ChildStartException;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes why a child could not be started, and says where to look. */
class ChildStartFailureAnalyzer extends AbstractFailureAnalyzer<ChildStartException> {

	@Override
	protected FailureAnalysis analyze(Throwable rootFailure, ChildStartException cause) {
		if (findCause(rootFailure, IpcException.NativeUnavailable.class) != null
				|| findCause(rootFailure, IpcException.SandboxUnavailable.class) != null) {
			return null; // there are analyzers that know more
		}
		return new FailureAnalysis(cause.getMessage(),
				"Check the declaration of '" + cause.child() + "': in @ChildProcess, or in ipc.children."
						+ cause.child() + ".command and .main, which take precedence. A program must be"
						+ " executable, and in PATH unless its name has a slash; a main class must be on the class"
						+ " path; ipc.children." + cause.child()
						+ ".directory must exist. If it was started and did not"
						+ " get ready, its output says why, and ipc.children." + cause.child()
						+ ".start-timeout how long it may take.",
				cause);
	}

}
