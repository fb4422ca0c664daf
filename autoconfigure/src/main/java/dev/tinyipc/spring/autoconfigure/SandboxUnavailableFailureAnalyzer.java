package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcException;
import dev.tinyipc.spring.ChildStartException;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes why this machine does not enforce a required profile, and says what to do. */
class SandboxUnavailableFailureAnalyzer extends AbstractFailureAnalyzer<ChildStartException> {

	@Override
	protected FailureAnalysis analyze(Throwable rootFailure, ChildStartException cause) {
		IpcException.SandboxUnavailable unavailable = findCause(cause, IpcException.SandboxUnavailable.class);
		if (unavailable == null) {
			return null;
		}
		return new FailureAnalysis(
				"Child process '" + cause.child() + "' requires a sandbox profile that cannot be enforced here. "
						+ unavailable.reason(),
				unavailable.remedy() + " The property for that is ipc.children." + cause.child()
						+ ".sandbox.required=false.",
				cause);
	}

}
