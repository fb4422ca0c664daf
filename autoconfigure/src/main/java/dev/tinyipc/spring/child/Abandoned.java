package dev.tinyipc.spring.child;

import dev.tinyipc.Exchange;
import org.jspecify.annotations.Nullable;

/**
 * An exchange whose caller gave up before the reply came. If one comes after all, that
 * does not clear its request: the child may have refused it unseen, as it was too late.
 *
 * @param exchange the exchange
 * @param reason why its lane is given up if the reply does not come in time either
 * @param blamed its request, if the process is to be killed because of it; null if not
 */
record Abandoned(Exchange exchange, String reason, Quarantine.@Nullable Admission blamed) {

	/** The process was killed for it, or has died of it. */
	void died(ChildInstance instance) {
		if (this.blamed != null) {
			this.blamed.died(instance.number());
		}
	}

}
