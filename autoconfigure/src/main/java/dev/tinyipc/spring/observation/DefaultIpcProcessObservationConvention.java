package dev.tinyipc.spring.observation;

import java.util.concurrent.CancellationException;

import io.micrometer.common.KeyValues;

/** The default {@link IpcProcessObservationConvention}. */
public class DefaultIpcProcessObservationConvention implements IpcProcessObservationConvention {

	/** The name of the observation. */
	public static final String NAME = "ipc.process";

	@Override
	public String getName() {
		return NAME;
	}

	@Override
	public String getContextualName(IpcProcessObservationContext context) {
		return CommonKeyValues.spanName(NAME, context.getMethod());
	}

	@Override
	public KeyValues getLowCardinalityKeyValues(IpcProcessObservationContext context) {
		Throwable error = context.getError();
		boolean cancelled = context.isCancelled() || error instanceof CancellationException;
		return CommonKeyValues.of(context.getPeer(), context.getMethod(), context.isEnded(), cancelled, error);
	}

}
