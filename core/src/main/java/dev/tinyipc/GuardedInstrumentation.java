package dev.tinyipc;

import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Assumes that the instrumentation throws, and logs that once. */
final class GuardedInstrumentation implements IpcInstrumentation {

	private static final Logger logger = LoggerFactory.getLogger(IpcInstrumentation.class);

	private final IpcInstrumentation instrumentation;

	private volatile boolean failed;

	GuardedInstrumentation(IpcInstrumentation instrumentation) {
		this.instrumentation = instrumentation;
	}

	@Override
	public Observed calling(String destination, String method) {
		try {
			return guard(this.instrumentation.calling(destination, method));
		}
		catch (RuntimeException | Error ex) {
			return failed(ex, Observed.NONE);
		}
	}

	@Override
	public Observed serving(String peer, IpcContext request) {
		try {
			return guard(this.instrumentation.serving(peer, request));
		}
		catch (RuntimeException | Error ex) {
			return failed(ex, Observed.NONE);
		}
	}

	private Observed guard(Observed observed) {
		return (observed != Observed.NONE) ? new Guarded(observed) : observed;
	}

	private <T> T failed(Throwable failure, T instead) {
		if (!this.failed) {
			this.failed = true;
			logger.warn("The instrumentation {} failed; further failures are not logged", this.instrumentation,
					failure);
		}
		return instead;
	}

	/** One exchange. */
	private final class Guarded implements Observed {

		private final Observed observed;

		Guarded(Observed observed) {
			this.observed = observed;
		}

		@Override
		public Map<String, String> headers() {
			return get(Observed::headers, Map.of());
		}

		@Override
		public void failed(Throwable error) {
			tell((observed) -> observed.failed(error));
		}

		@Override
		public void cancelled() {
			tell(Observed::cancelled);
		}

		@Override
		public void detach() {
			tell(Observed::detach);
		}

		@Override
		public void end() {
			tell(Observed::end);
		}

		private void tell(Consumer<Observed> news) {
			get((observed) -> {
				news.accept(observed);
				return true;
			}, false);
		}

		private <T> T get(Function<Observed, T> question, T otherwise) {
			try {
				return question.apply(this.observed);
			}
			catch (RuntimeException | Error ex) {
				return GuardedInstrumentation.this.failed(ex, otherwise);
			}
		}

	}

}
