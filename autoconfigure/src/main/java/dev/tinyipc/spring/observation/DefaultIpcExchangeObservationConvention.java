package dev.tinyipc.spring.observation;

import java.util.concurrent.CancellationException;

import io.micrometer.common.KeyValues;

/** The default {@link IpcExchangeObservationConvention}. */
public class DefaultIpcExchangeObservationConvention implements IpcExchangeObservationConvention {

	/** The name of the observation. */
	public static final String NAME = "ipc.exchange";

	@Override
	public String getName() {
		return NAME;
	}

	@Override
	public String getContextualName(IpcExchangeObservationContext context) {
		return CommonKeyValues.spanName(NAME, context.getMethod());
	}

	@Override
	public KeyValues getLowCardinalityKeyValues(IpcExchangeObservationContext context) {
		Throwable error = context.getError();
		// A stream that has failed is closed early, too.
		boolean cancelled = (error != null) ? error instanceof CancellationException : context.isCancelled();
		return CommonKeyValues.of(context.getDestination(), context.getMethod(), context.isEnded(), cancelled, error);
	}

}
