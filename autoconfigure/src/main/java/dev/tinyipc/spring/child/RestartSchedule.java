package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.Future;

import dev.tinyipc.ExitStatus;
import dev.tinyipc.IpcException;
import dev.tinyipc.spring.ChildStartException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Schedules the next start of a slot whose instance has failed, and logs the reason. Used
 * in the supervisor's thread only.
 */
final class RestartSchedule {

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	private final String name;

	private final ChildSettings.Restart settings;

	private final ChildSupervisor supervisor;

	private final Runnable start;

	private final RestartPlan plan;

	/** For replacements that failed, while the instance stayed in service. */
	private final RestartPlan replacementPlan;

	/** The {@link System#nanoTime()} before which a worn out instance stays. */
	private long nextReplacement = System.nanoTime();

	private @Nullable Future<?> nextStart;

	/**
	 * Creates a schedule.
	 * @param name the slot's
	 * @param start starts the next instance
	 */
	RestartSchedule(String name, ChildSettings.Restart settings, ChildSupervisor supervisor, Runnable start) {
		this.name = name;
		this.settings = settings;
		this.supervisor = supervisor;
		this.start = start;
		this.plan = new RestartPlan(settings);
		this.replacementPlan = new RestartPlan(settings);
	}

	void ready() {
		this.plan.ready();
	}

	void answered() {
		this.plan.answered();
	}

	/**
	 * An instance ended by itself.
	 * @param reason says so, as all reasons with the last lines of its output
	 * @param inService how long it was in service
	 * @return the state of the slot from now on, as of all methods like this one
	 */
	ChildState afterEnd(ExitStatus exit, String reason, Duration inService) {
		return isWantedAfter(exit) ? next(this.plan.afterFailure(System.nanoTime(), inService), withinWindow(), reason)
				: leftAt(exit, reason);
	}

	private boolean isWantedAfter(ExitStatus exit) {
		return switch (this.settings.policy()) {
			case ALWAYS -> true;
			case ON_FAILURE -> !exit.isSuccess();
			case NEVER -> false;
		};
	}

	private ChildState leftAt(ExitStatus exit, String reason) {
		logger.info("{} is not restarted, because {}", this.name, reason);
		return exit.isSuccess() ? ChildState.STOPPED : ChildState.FAILED;
	}

	/** The process of an instance could not be started. */
	ChildState afterFailedStart(ChildStartException failure) {
		String reason = String.valueOf(failure.getMessage());
		if (failure.getCause() instanceof IpcException.SandboxUnavailable) {
			logger.error("{} is not restarted, because that would fail again: {}", this.name, reason);
			return ChildState.FAILED;
		}
		return next(this.plan.afterFailure(System.nanoTime(), Duration.ZERO), withinWindow(), reason);
	}

	/** An instance was killed because it never answered. */
	ChildState afterSilence(String reason) {
		return next(this.plan.afterSilence(System.nanoTime()), withinWindow(), reason);
	}

	/**
	 * An instance did not get ready.
	 * @param exit how it ended by itself; null if it was killed
	 */
	ChildState afterUnready(String reason, @Nullable ExitStatus exit) {
		return (exit == null || isWantedAfter(exit))
				? next(this.plan.afterUnready(System.nanoTime()), "in a row, or " + withinWindow() + ',', reason)
				: leftAt(exit, reason);
	}

	private ChildState next(@Nullable Duration delay, String span, String reason) {
		if (delay == null) {
			logger.error("{} failed {} times {} and is not restarted; the last time {}", this.name,
					this.settings.maxFailures(), span, reason);
			return ChildState.FAILED;
		}
		logger.warn("Restarting {} in {} ms, because {}", this.name, delay.toMillis(), reason);
		this.nextStart = this.supervisor.schedule(delay, () -> {
			this.nextStart = null;
			this.start.run();
		});
		return ChildState.BACKOFF;
	}

	private String withinWindow() {
		return "within " + this.settings.failureWindow().toSeconds() + " s";
	}

	/** Whether a worn out instance may be replaced, which may have failed recently. */
	boolean mayReplace() {
		return System.nanoTime() - this.nextReplacement >= 0;
	}

	void replacementFailed(String reason, @Nullable Throwable cause) {
		logger.warn("{} could not be replaced and stays in service: {}", this.name, reason, cause);
		long now = System.nanoTime();
		Duration delay = this.replacementPlan.afterFailure(now, Duration.ZERO);
		this.nextReplacement = now + ((delay != null) ? delay : this.settings.maxDelay()).toNanos();
	}

	/** Cancels the next start. */
	void cancel() {
		Future<?> start = this.nextStart;
		this.nextStart = null;
		if (start != null) {
			start.cancel(false);
		}
	}

	/** Cancels the next start and forgets all failures, because one was requested. */
	void startOver() {
		cancel();
		this.plan.startOver();
	}

}
