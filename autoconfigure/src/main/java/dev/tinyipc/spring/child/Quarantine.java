package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.Deadline;
import dev.tinyipc.IpcException;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.IpcPoisonRequestException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Refuses requests that processes of a child have died of, so that one input cannot take
 * the pool down. Requests are known by their {@linkplain RequestDigest digests}.
 * <p>
 * Whatever a process worked on when it died is suspected. A suspected request that is
 * answered is innocent. To tell the guilty one from those that were in flight with it,
 * suspected requests run one at a time: together, they could die a second time for what
 * one of them does.
 */
final class Quarantine {

	/** Those that were suspected least recently are forgotten. */
	static final int MAX_REQUESTS = 1000;

	private static final Logger logger = LoggerFactory.getLogger(IpcChild.class);

	/** From this one on, a request is refused for a while after each. */
	private static final int DEATHS = 2;

	private final String child;

	private final Duration time;

	private final InstantSource clock;

	private final Map<ByteBuffer, Suspect> suspects = new LinkedHashMap<>(16, 0.75f, true) {

		@Override
		protected boolean removeEldestEntry(Map.Entry<ByteBuffer, Suspect> eldest) {
			return size() > MAX_REQUESTS;
		}

	};

	private final Semaphore turn = new Semaphore(1, true);

	/**
	 * Creates a quarantine without any requests.
	 * @param child the child's name
	 * @param time for how long a request is refused after a death
	 * @param clock tells the time
	 */
	Quarantine(String child, Duration time, InstantSource clock) {
		this.child = child;
		this.time = time;
		this.clock = clock;
	}

	/**
	 * Lets a request in, if it is not in quarantine. A suspected one waits for its turn.
	 * @return must be {@linkplain Admission#leave() left}
	 * @throws IpcPoisonRequestException if it is in quarantine
	 * @throws IpcException if its turn does not come in time
	 */
	Admission admit(@Nullable String method, ByteBuffer payload, List<ByteBuffer> blocks, List<OwnedFd> descriptors,
			Deadline deadline) throws IpcException {
		ByteBuffer digest = RequestDigest.of(method, payload, blocks, descriptors);
		if (!isSuspected(digest)) {
			return new Admission(digest, false);
		}
		awaitTurn(deadline);
		boolean admitted = false;
		try {
			isSuspected(digest); // another one like it may just have had its turn
			admitted = true;
			return new Admission(digest, true);
		}
		finally {
			if (!admitted) {
				this.turn.release();
			}
		}
	}

	private synchronized boolean isSuspected(ByteBuffer digest) {
		Suspect suspect = this.suspects.get(digest);
		if (suspect == null) {
			return false;
		}
		boolean recent = this.clock.instant().isBefore(suspect.lastDeath.plus(this.time));
		if (suspect.deaths >= DEATHS && recent) {
			throw new IpcPoisonRequestException(this.child, suspect.firstDeath, suspect.lastDeath.plus(this.time),
					suspect.deaths);
		}
		if (suspect.deaths < DEATHS && !recent) {
			this.suspects.remove(digest);
			return false;
		}
		return true;
	}

	private void awaitTurn(Deadline deadline) throws IpcException {
		try {
			if (!this.turn.tryAcquire(deadline.remainingNanos(), TimeUnit.NANOSECONDS)) {
				throw new IpcException.Timeout("a process has died of this request, or of another one at the same"
						+ " time, and others of which that is true had not ended in time");
			}
		}
		catch (InterruptedException ex) {
			Thread.currentThread().interrupt();
			throw new IpcException.Interrupted("interrupted while waiting for other requests that processes died of");
		}
	}

	private synchronized void died(ByteBuffer digest, long instance) {
		Suspect suspect = this.suspects.computeIfAbsent(digest, (unknown) -> new Suspect(this.clock.instant()));
		if (suspect.counts(instance)) {
			suspect.lastDeath = this.clock.instant();
			if (suspect.deaths >= DEATHS) {
				logger.warn(
						"A request to child process '{}' is refused until {}: {} processes have died of it since {}",
						this.child, suspect.lastDeath.plus(this.time), suspect.deaths, suspect.firstDeath);
			}
		}
	}

	private synchronized void survived(ByteBuffer digest) {
		this.suspects.remove(digest);
	}

	/** The number of requests that are refused now. */
	synchronized int size() {
		Instant now = this.clock.instant();
		return (int) this.suspects.values()
			.stream()
			.filter((suspect) -> suspect.deaths >= DEATHS && now.isBefore(suspect.lastDeath.plus(this.time)))
			.count();
	}

	/** A request that was let in. Any method may be called at any time, by any thread. */
	final class Admission {

		private final ByteBuffer digest;

		/** Whether it keeps other suspected requests out. */
		private boolean alone;

		private Admission(ByteBuffer digest, boolean alone) {
			this.digest = digest;
			this.alone = alone;
		}

		/**
		 * An instance has died of the request. A death counts once, also if the instance
		 * had several such requests.
		 */
		void died(long instance) {
			Quarantine.this.died(this.digest, instance);
		}

		/** The request was answered. */
		void survived() {
			Quarantine.this.survived(this.digest);
		}

		/** The request is over, or nobody waits for it. */
		synchronized void leave() {
			if (this.alone) {
				this.alone = false;
				Quarantine.this.turn.release();
			}
		}

	}

	/** A request that processes have died of. */
	private static final class Suspect {

		/** Processes that died at about the same time can be told of in any order. */
		private static final int MAX_INSTANCES = 16;

		private final Instant firstDeath;

		private final Set<Long> instances = new LinkedHashSet<>();

		private Instant lastDeath;

		private int deaths;

		Suspect(Instant firstDeath) {
			this.firstDeath = firstDeath;
			this.lastDeath = firstDeath;
		}

		/** Counts a death, unless it was counted already. */
		boolean counts(long instance) {
			if (!this.instances.add(instance)) {
				return false;
			}
			if (this.instances.size() > MAX_INSTANCES) {
				this.instances.remove(this.instances.iterator().next());
			}
			this.deaths++;
			return true;
		}

	}

}
