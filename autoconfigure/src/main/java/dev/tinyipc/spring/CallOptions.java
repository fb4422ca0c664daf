package dev.tinyipc.spring;

import java.time.Duration;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;

import org.springframework.util.Assert;

/**
 * What calls of a template have in common.
 *
 * @param idempotent whether a request may be carried out twice
 * @param method the method that requests name; null for none
 * @param headers the headers of requests, unmodifiable
 * @param timeout how long a call, or the wait for an element of a stream, may take; null
 * for the default
 * @param totalTimeout how long a stream may take in all; null for no limit
 * @param copied whether payloads stay valid after their messages are closed
 */
record CallOptions(boolean idempotent, @Nullable String method, Map<String, String> headers, @Nullable Duration timeout,
		@Nullable Duration totalTimeout, boolean copied) {

	static final CallOptions NONE = new CallOptions(false, null, Map.of(), null, null, false);

	CallOptions withIdempotent() {
		return new CallOptions(true, this.method, this.headers, this.timeout, this.totalTimeout, this.copied);
	}

	CallOptions withMethod(String name) {
		return new CallOptions(this.idempotent, name, this.headers, this.timeout, this.totalTimeout, this.copied);
	}

	CallOptions withHeader(String name, String value) {
		Map<String, String> headers = new LinkedHashMap<>(this.headers);
		headers.put(name, value);
		return new CallOptions(this.idempotent, this.method, Collections.unmodifiableMap(headers), this.timeout,
				this.totalTimeout, this.copied);
	}

	/** Whether requests need a peer that knows envelopes. */
	boolean needEnvelope() {
		return this.method != null || !this.headers.isEmpty();
	}

	/**
	 * How long a call may take.
	 * @param given with the call; null if nothing was
	 * @param usual for all calls that say nothing
	 */
	Duration timeout(@Nullable Duration given, IpcDestination destination, Duration usual) {
		if (given != null) {
			checkTimeout(given);
			return given;
		}
		Duration ofDestination = destination.timeout();
		return (this.timeout != null) ? this.timeout : (ofDestination != null) ? ofDestination : usual;
	}

	static void checkTimeout(Duration timeout) {
		Assert.isTrue(timeout.compareTo(Duration.ZERO) > 0 && timeout.compareTo(CborMessageTemplate.MAX_TIMEOUT) <= 0,
				() -> "A timeout must be more than zero and at most 100 years, not " + timeout);
	}

	CallOptions withTimeout(Duration timeout) {
		return new CallOptions(this.idempotent, this.method, this.headers, timeout, this.totalTimeout, this.copied);
	}

	CallOptions withTotalTimeout(Duration total) {
		return new CallOptions(this.idempotent, this.method, this.headers, this.timeout, total, this.copied);
	}

	CallOptions withCopied() {
		return new CallOptions(this.idempotent, this.method, this.headers, this.timeout, this.totalTimeout, true);
	}

}
