package dev.tinyipc.spring.observation;

import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;

/**
 * Names {@link IpcObservationDocumentation#PROCESS} and its key values. A bean of this
 * type replaces the default one.
 */
public interface IpcProcessObservationConvention extends ObservationConvention<IpcProcessObservationContext> {

	@Override
	default boolean supportsContext(Observation.Context context) {
		return context instanceof IpcProcessObservationContext;
	}

}
