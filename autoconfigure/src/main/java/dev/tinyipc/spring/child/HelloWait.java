package dev.tinyipc.spring.child;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Future;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcHello;
import dev.tinyipc.IpcPoller;
import dev.tinyipc.IpcRequester;
import dev.tinyipc.spring.ChildStartException;
import org.jspecify.annotations.Nullable;

/**
 * The wait for the hello of a new instance, which says that it is ready. It takes no
 * thread: the socket is watched, and looked at in the supervisor's thread.
 */
final class HelloWait {

	/** How long an instance may live on after it closed its socket. */
	private static final Duration GRACE_WITHOUT_SOCKET = Duration.ofSeconds(1);

	private final ChildInstance instance;

	private final ChildSpec spec;

	private final ChildSupervisor supervisor;

	private final IdleWatch watch;

	private final Listener listener;

	private final CompletableFuture<Void> outcome = new CompletableFuture<>();

	private @Nullable Future<?> timer;

	private boolean required;

	private boolean over;

	HelloWait(ChildInstance instance, ChildSpec spec, ChildSupervisor supervisor, IdleWatch watch, Listener listener) {
		this.instance = instance;
		this.spec = spec;
		this.supervisor = supervisor;
		this.watch = watch;
		this.listener = listener;
	}

	ChildInstance instance() {
		return this.instance;
	}

	/**
	 * Makes this the last attempt: somebody waits for it.
	 * @return {@link #outcome()}
	 */
	CompletableFuture<Void> require() {
		this.required = true;
		return this.outcome;
	}

	boolean isRequired() {
		return this.required;
	}

	/**
	 * What has become of the instance, with a {@link ChildStartException} if it did not
	 * get ready. Completed by the slot, after its state has changed.
	 */
	CompletableFuture<Void> outcome() {
		return this.outcome;
	}

	/** Says why the instance will never be ready. */
	void fail(String reason) {
		this.outcome.completeExceptionally(new ChildStartException(this.spec.name(), reason, null));
	}

	void begin() {
		this.timer = this.supervisor.schedule(this.spec.settings().startTimeout(), () -> look(true));
		watch();
	}

	/** Ends the wait without a word to the listener. */
	void cancel() {
		this.over = true;
		cancelTimer();
		this.watch.forget(this.instance.socket());
	}

	private void cancelTimer() {
		if (this.timer != null) {
			this.timer.cancel(false);
		}
	}

	private void watch() {
		this.watch.watch(this.instance.socket(), IpcPoller.Interest.READ,
				(event) -> this.supervisor.execute(() -> look(false)));
	}

	private void look(boolean timeIsUp) {
		if (this.over) {
			return;
		}
		IpcRequester requester = this.instance.requester();
		IpcRequester.State state;
		try {
			state = requester.look();
		}
		catch (IpcException | RuntimeException ex) { // what it sent makes no sense
			if (this.instance.socket().isClosed()) {
				awaitExit();
			}
			else {
				giveUp("what it sent before it was ready makes no sense: " + ex.getMessage());
			}
			return;
		}
		if (state == IpcRequester.State.ENDED) {
			awaitExit();
		}
		else if (state == IpcRequester.State.FAULTY) {
			giveUp(requester.isUp() ? String.valueOf(requester.fault())
					: "its first message was not a hello: let it send one before anything else, and only answer"
							+ " after that, or " + withoutHello());
		}
		else if (requester.isUp()) {
			if (this.spec.transport() == ChildSettings.Transport.MEMORY
					&& !requester.hello().map(IpcHello::memory).orElse(false)) {
				giveUp("its hello does not say that it shares memory: let it do so, or " + withoutHello());
				return;
			}
			cancel();
			this.listener.ready(this);
		}
		else if (timeIsUp) {
			giveUp("it sent no hello within " + this.spec.settings().startTimeout() + ": let it send one when it is"
					+ " ready, raise ipc.children." + this.spec.name() + ".start-timeout, or " + withoutHello());
		}
		else {
			watch();
		}
	}

	/** What to do about a child that is to be used without a hello. */
	private String withoutHello() {
		return (this.spec.transport() == ChildSettings.Transport.MEMORY)
				? "set ipc.children." + this.spec.name() + ".transport to auto or socket"
				: "do not declare it as ready";
	}

	/** Its process usually ends, too, and its slot then knows why. */
	private void awaitExit() {
		cancelTimer();
		this.timer = this.supervisor.schedule(GRACE_WITHOUT_SOCKET, () -> {
			if (!this.over) {
				giveUp("it closed its socket before it was ready and has not ended");
			}
		});
	}

	private void giveUp(String reason) {
		cancel();
		this.listener.notReady(this, reason);
	}

	/** Learns how the wait has ended, in the supervisor's thread. */
	interface Listener {

		/** The hello has come. */
		void ready(HelloWait wait);

		/** None will come, and the process must be killed. */
		void notReady(HelloWait wait, String reason);

	}

}
