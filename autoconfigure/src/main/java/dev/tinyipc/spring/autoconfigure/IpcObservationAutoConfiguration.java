package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.spring.actuate.MicrometerIpcObserver;
import dev.tinyipc.spring.observation.DefaultIpcExchangeObservationConvention;
import dev.tinyipc.spring.observation.IpcExchangeObservationContext;
import dev.tinyipc.spring.observation.IpcExchangeObservationConvention;
import dev.tinyipc.spring.observation.IpcProcessObservationConvention;
import dev.tinyipc.spring.observation.MicrometerIpcInstrumentation;
import io.micrometer.core.instrument.observation.MeterObservationHandler;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationRegistry;

import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.autoconfigure.AutoConfiguration;
import org.springframework.boot.autoconfigure.condition.ConditionalOnBean;
import org.springframework.boot.autoconfigure.condition.ConditionalOnClass;
import org.springframework.boot.autoconfigure.condition.ConditionalOnMissingBean;
import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.annotation.Order;

/**
 * Auto-configuration for the observation of exchanges.
 */
@AutoConfiguration(after = IpcMetricsAutoConfiguration.class,
		afterName = "org.springframework.boot.micrometer.observation.autoconfigure.ObservationAutoConfiguration")
@ConditionalOnClass(ObservationRegistry.class)
@ConditionalOnBean(ObservationRegistry.class)
public final class IpcObservationAutoConfiguration {

	@Bean
	@ConditionalOnMissingBean(IpcInstrumentation.class)
	MicrometerIpcInstrumentation ipcInstrumentation(ObservationRegistry registry,
			ObjectProvider<IpcExchangeObservationConvention> exchangeConvention,
			ObjectProvider<IpcProcessObservationConvention> processConvention) {
		return new MicrometerIpcInstrumentation(registry, exchangeConvention.getIfAvailable(),
				processConvention.getIfAvailable());
	}

	@Configuration(proxyBeanMethods = false)
	@ConditionalOnClass(MeterObservationHandler.class)
	@ConditionalOnBean(MicrometerIpcObserver.class)
	static class ExchangeTimerConfiguration {

		/** Before Boot's handler for all contexts, which has the lowest precedence. */
		@Bean
		@Order(0)
		MeterObservationHandler<IpcExchangeObservationContext> ipcExchangeMeterObservationHandler() {
			return new ExchangeTimer();
		}

	}

	/**
	 * Leaves the timer {@code ipc.exchange} to {@link MicrometerIpcObserver}, which has
	 * always recorded it, with the tag {@code destination} only, and without the wait for
	 * an instance. A second timer of that name with other tags would count each exchange
	 * twice, and some registries refuse it. Boot takes the first meter handler that
	 * supports a context, so that its own one does not see these. It does see an exchange
	 * whose convention gives it another name.
	 */
	private static final class ExchangeTimer implements MeterObservationHandler<IpcExchangeObservationContext> {

		@Override
		public boolean supportsContext(Observation.Context context) {
			return context instanceof IpcExchangeObservationContext
					&& DefaultIpcExchangeObservationConvention.NAME.equals(context.getName());
		}

		@Override
		public void onStart(IpcExchangeObservationContext context) {
			// The timer is not ours.
		}

		@Override
		public void onStop(IpcExchangeObservationContext context) {
			// The timer is not ours.
		}

	}

}
