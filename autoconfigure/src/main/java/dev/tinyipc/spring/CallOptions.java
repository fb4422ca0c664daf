package dev.tinyipc.spring;

import java.time.Duration;

import org.jspecify.annotations.Nullable;

/**
 * What calls of a template have in common.
 *
 * @param idempotent whether a request may be carried out twice
 * @param method the method that requests name; null for none
 * @param totalTimeout how long a stream may take in all; null for no limit
 */
record CallOptions(boolean idempotent, @Nullable String method, @Nullable Duration totalTimeout) {

	static final CallOptions NONE = new CallOptions(false, null, null);

	CallOptions withIdempotent() {
		return new CallOptions(true, this.method, this.totalTimeout);
	}

	CallOptions withMethod(String name) {
		return new CallOptions(this.idempotent, name, this.totalTimeout);
	}

	CallOptions withTotalTimeout(Duration total) {
		return new CallOptions(this.idempotent, this.method, total);
	}

}
