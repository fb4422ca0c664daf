package dev.tinyipc.spring.observation;

import java.util.Map;

import dev.tinyipc.IpcContext;
import dev.tinyipc.IpcInstrumentation;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;
import org.jspecify.annotations.Nullable;

/**
 * Makes observations of exchanges: {@link IpcObservationDocumentation#EXCHANGE} of those
 * that this process asks for, {@link IpcObservationDocumentation#PROCESS} of those that
 * it answers. If Micrometer Tracing is there, both become spans of one trace.
 */
public class MicrometerIpcInstrumentation implements IpcInstrumentation {

	private static final IpcExchangeObservationConvention EXCHANGE = new DefaultIpcExchangeObservationConvention();

	private static final IpcProcessObservationConvention PROCESS = new DefaultIpcProcessObservationConvention();

	private final ObservationRegistry registry;

	private final @Nullable IpcExchangeObservationConvention exchangeConvention;

	private final @Nullable IpcProcessObservationConvention processConvention;

	/**
	 * Creates an instrumentation. It does nothing if the registry is a no-op.
	 * @param registry the registry of the observations
	 * @param exchangeConvention names exchanges; null for the default
	 * @param processConvention names requests that are answered; null for the default
	 */
	public MicrometerIpcInstrumentation(ObservationRegistry registry,
			@Nullable IpcExchangeObservationConvention exchangeConvention,
			@Nullable IpcProcessObservationConvention processConvention) {
		this.registry = registry;
		this.exchangeConvention = exchangeConvention;
		this.processConvention = processConvention;
	}

	@Override
	public Observed calling(String destination, String method) {
		if (this.registry.isNoop()) {
			return Observed.NONE; // before anything is created for it
		}
		IpcExchangeObservationContext context = new IpcExchangeObservationContext(destination, method);
		Observation observation = IpcObservationDocumentation.EXCHANGE.observation(this.exchangeConvention, EXCHANGE,
				() -> context, this.registry);
		return observation.isNoop() ? Observed.NONE : new ObservedCall(observation, context);
	}

	@Override
	public Observed serving(String peer, IpcContext request) {
		if (this.registry.isNoop()) {
			return Observed.NONE;
		}
		IpcProcessObservationContext context = new IpcProcessObservationContext(peer, request);
		Observation observation = IpcObservationDocumentation.PROCESS.observation(this.processConvention, PROCESS,
				() -> context, this.registry);
		return observation.isNoop() ? Observed.NONE : new Started(observation, context::ended);
	}

	/** An observation that has begun, and is current in the thread that has begun it. */
	private static class Started implements Observed {

		private final Observation observation;

		/** Tells the context that the exchange is over. */
		private final Runnable ended;

		private Observation.@Nullable Scope scope;

		Started(Observation observation, Runnable ended) {
			this.ended = ended;
			this.observation = observation.start();
			this.scope = observation.openScope();
		}

		@Override
		public final void failed(Throwable error) {
			this.observation.error(error);
		}

		@Override
		public final void detach() {
			Observation.Scope scope = this.scope;
			this.scope = null;
			if (scope != null) {
				scope.close();
			}
		}

		@Override
		public final void end() {
			this.ended.run();
			try {
				detach();
			}
			finally {
				this.observation.stop();
			}
		}

	}

	/** A call. */
	private static final class ObservedCall extends Started {

		private final IpcExchangeObservationContext context;

		ObservedCall(Observation observation, IpcExchangeObservationContext context) {
			super(observation, context::ended);
			this.context = context;
		}

		@Override
		public Map<String, String> headers() {
			Map<String, String> headers = this.context.getCarrier();
			return (headers != null) ? headers : Map.of();
		}

		@Override
		public void cancelled() {
			this.context.cancelled();
		}

	}

}
