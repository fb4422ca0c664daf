package dev.tinyipc.spring.observation;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;

/**
 * Names {@link IpcObservationDocumentation#EXCHANGE} and its key values. A bean of this
 * type replaces the default one.
 */
public interface IpcExchangeObservationConvention extends ObservationConvention<IpcExchangeObservationContext> {

	@Override
	default boolean supportsContext(Observation.Context context) {
		return context instanceof IpcExchangeObservationContext;
	}

}
