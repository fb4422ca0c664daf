package dev.tinyipc.spring.observation;

import dev.tinyipc.spring.observation.IpcObservationDocumentation.LowCardinalityKeyNames;
import io.micrometer.common.KeyValue;
import io.micrometer.common.KeyValues;
import org.jspecify.annotations.Nullable;

/** What the default conventions of both ends have in common. */
final class CommonKeyValues {

	private CommonKeyValues() {
	}

	/** The name of a span, in which there are as many methods as the application has. */
	static String spanName(String observation, String method) {
		return method.isEmpty() ? observation : observation + ' ' + method;
	}

	static KeyValues of(String destination, String method, boolean ended, boolean cancelled,
			@Nullable Throwable error) {
		return KeyValues.of(LowCardinalityKeyNames.DESTINATION.withValue(destination),
				LowCardinalityKeyNames.METHOD.withValue(method.isEmpty() ? KeyValue.NONE_VALUE : method),
				LowCardinalityKeyNames.OUTCOME.withValue(outcome(ended, cancelled, error)),
				LowCardinalityKeyNames.EXCEPTION.withValue((error != null) ? name(error) : KeyValue.NONE_VALUE));
	}

	private static String outcome(boolean ended, boolean cancelled, @Nullable Throwable error) {
		if (!ended) {
			return "UNKNOWN";
		}
		if (cancelled) {
			return "CANCELLED";
		}
		return (error != null) ? "ERROR" : "SUCCESS";
	}

	private static String name(Throwable error) {
		String simple = error.getClass().getSimpleName();
		return !simple.isEmpty() ? simple : error.getClass().getName();
	}

}
