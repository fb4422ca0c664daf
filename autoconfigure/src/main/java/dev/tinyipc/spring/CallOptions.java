package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

/**
 * What calls of a template have in common.
 *
 * @param idempotent whether a request may be carried out twice
 * @param method the method that requests name; null for none
 * @param headers the headers of requests, unmodifiable
 * @param timeout how long a call, or the wait for an element of a stream, may take; null
 * for the default
 * @param totalTimeout how long a stream may take in all; null for no limit
 */
record CallOptions(boolean idempotent, @Nullable String method, Map<String, String> headers, @Nullable Duration timeout,
		@Nullable Duration totalTimeout) {

	static final CallOptions NONE = new CallOptions(false, null, Map.of(), null, null);

	CallOptions withIdempotent() {
		return new CallOptions(true, this.method, this.headers, this.timeout, this.totalTimeout);
	}

	CallOptions withMethod(String name) {
		return new CallOptions(this.idempotent, name, this.headers, this.timeout, this.totalTimeout);
	}

	CallOptions withHeader(String name, String value) {
		Map<String, String> headers = new LinkedHashMap<>(this.headers);
		headers.put(name, value);
		return new CallOptions(this.idempotent, this.method, Collections.unmodifiableMap(headers), this.timeout,
				this.totalTimeout);
	}

	/** Whether requests need a peer that knows envelopes. */
	boolean needEnvelope() {
		return this.method != null || !this.headers.isEmpty();
	}

	CallOptions withTimeout(Duration timeout) {
		return new CallOptions(this.idempotent, this.method, this.headers, timeout, this.totalTimeout);
	}

	CallOptions withTotalTimeout(Duration total) {
		return new CallOptions(this.idempotent, this.method, this.headers, this.timeout, total);
	}

}
