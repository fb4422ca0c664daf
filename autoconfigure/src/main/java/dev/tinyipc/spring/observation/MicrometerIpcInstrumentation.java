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
		return observation.isNoop() ? Observed.NONE : new ObservedRequest(observation, context);
	}

	/** An observation that has begun, and is current in the thread that has begun it. */
	private abstract static class Started implements Observed {

		private final Observation observation;

		private Observation.@Nullable Scope scope;

		Started(Observation observation) {
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
		public void end() {
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
			super(observation);
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

		@Override
		public void end() {
			this.context.ended();
			super.end();
		}

	}

	/** A request that is answered. */
	private static final class ObservedRequest extends Started {

		private final IpcProcessObservationContext context;

		ObservedRequest(Observation observation, IpcProcessObservationContext context) {
			super(observation);
			this.context = context;
		}

		@Override
		public void end() {
			this.context.ended();
			super.end();
		}

	}

}
