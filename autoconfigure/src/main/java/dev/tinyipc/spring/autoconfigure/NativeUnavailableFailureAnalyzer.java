package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcException;

import org.springframework.boot.diagnostics.AbstractFailureAnalyzer;
import org.springframework.boot.diagnostics.FailureAnalysis;

/** Analyzes why Unix sockets cannot be used on this machine, and says what to do. */
class NativeUnavailableFailureAnalyzer extends AbstractFailureAnalyzer<IpcException.NativeUnavailable> {

	@Override
	protected FailureAnalysis analyze(Throwable rootFailure, IpcException.NativeUnavailable cause) {
		return new FailureAnalysis("tiny-ipc cannot use Unix sockets here. " + cause.reason(), cause.remedy(), cause);
	}

}
