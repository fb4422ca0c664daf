package dev.tinyipc.spring.observation;

import io.micrometer.common.KeyValue;
import io.micrometer.common.docs.KeyName;
import io.micrometer.observation.Observation;
import io.micrometer.observation.ObservationConvention;
import io.micrometer.observation.docs.ObservationDocumentation;

/** The observations of exchanges, and their key values. */
public enum IpcObservationDocumentation implements ObservationDocumentation {

	/**
	 * An exchange that this process asks for: from the call to the reply, or to the end
	 * of a streamed reply, including the wait for an instance.
	 */
	EXCHANGE {

		@Override
		public Class<? extends ObservationConvention<? extends Observation.Context>> getDefaultConvention() {
			return DefaultIpcExchangeObservationConvention.class;
		}

		@Override
		public KeyName[] getLowCardinalityKeyNames() {
			return LowCardinalityKeyNames.values();
		}

	},

	/**
	 * A request that this process answers: its handler, until the reply is sent.
	 */
	PROCESS {

		@Override
		public Class<? extends ObservationConvention<? extends Observation.Context>> getDefaultConvention() {
			return DefaultIpcProcessObservationConvention.class;
		}

		@Override
		public KeyName[] getLowCardinalityKeyNames() {
			return LowCardinalityKeyNames.values();
		}

	};

	/** Keys of metrics and traces. */
	public enum LowCardinalityKeyNames implements KeyName {

		/** The other end: the name of a child, or {@code parent}. */
		DESTINATION {

			@Override
			public String asString() {
				return "destination";
			}

		},

		/**
		 * The method of the request, or {@value KeyValue#NONE_VALUE} if it names none.
		 */
		METHOD {

			@Override
			public String asString() {
				return "method";
			}

		},

		/**
		 * How it ended: {@code SUCCESS}, {@code ERROR}, {@code CANCELLED} if nobody waits
		 * for the reply any more, or {@code UNKNOWN} before it has ended.
		 */
		OUTCOME {

			@Override
			public String asString() {
				return "outcome";
			}

		},

		/**
		 * The simple name of the exception with which it failed, or
		 * {@value KeyValue#NONE_VALUE}.
		 */
		EXCEPTION {

			@Override
			public String asString() {
				return "exception";
			}

		}

	}

}
