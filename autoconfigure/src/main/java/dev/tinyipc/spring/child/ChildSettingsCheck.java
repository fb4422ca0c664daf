package dev.tinyipc.spring.child;

import java.time.Duration;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;

import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;

/** Refuses values that make no sense, with their key and the reason. */
final class ChildSettingsCheck {

	private final String prefix;

	private ChildSettingsCheck(String prefix) {
		this.prefix = prefix;
	}

	static void check(String prefix, ChildSettings settings) {
		ChildSettingsCheck check = new ChildSettingsCheck(prefix);
		Integer instances = settings.getInstances();
		check.require(instances == null || instances > 0, ".instances", instances, "There must be at least one.");
		check.positive(".exchange-timeout", settings.getExchangeTimeout());
		check.positive(".shutdown-timeout", settings.getShutdownTimeout());
		check.require(settings.getMaxExchanges() >= 0, ".max-exchanges", settings.getMaxExchanges(),
				"It must not be negative; zero is no limit.");
		check.require(settings.getMaxMemory().toBytes() >= 0, ".max-memory", settings.getMaxMemory(),
				"It must not be negative; zero is no limit.");
		Duration spinTime = settings.getSpinTime();
		check.require(spinTime == null || (!spinTime.isNegative() && spinTime.compareTo(IpcSocket.MAX_SPIN_TIME) <= 0),
				".spin-time", spinTime, "It must be zero to 10 ms; zero never to spin.");
		check.require((settings.getOutput() == ChildSettings.Output.FILE) == (settings.getOutputFile() != null),
				".output-file", settings.getOutputFile(), "A file goes with 'output: file', and with nothing else.");
		ChildSettings.Restart restart = settings.getRestart();
		check.positive(".restart.max-delay", restart.getMaxDelay());
		check.positive(".restart.initial-delay", restart.getInitialDelay());
		check.positive(".restart.stable-after", restart.getStableAfter());
		check.positive(".restart.failure-window", restart.getFailureWindow());
		check.require(restart.getMaxDelay().compareTo(restart.getInitialDelay()) >= 0, ".restart.max-delay",
				restart.getMaxDelay(), "It must not be shorter than the initial delay.");
		check.require(restart.getMaxFailures() > 0, ".restart.max-failures", restart.getMaxFailures(),
				"It must be more than zero; to never start the child again, set the policy to 'never'.");
	}

	private void positive(String key, @Nullable Duration value) {
		require(value == null || value.compareTo(Duration.ZERO) > 0, key, value, "It must be more than zero.");
		require(value == null || value.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0, key, value,
				"It must be at most 100 years.");
	}

	private void require(boolean valid, String key, @Nullable Object value, String reason) {
		if (!valid) {
			throw new InvalidConfigurationPropertyValueException(this.prefix + key, value, reason);
		}
	}

}
