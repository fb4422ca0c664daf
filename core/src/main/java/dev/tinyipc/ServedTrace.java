package dev.tinyipc;

import java.io.Closeable;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What accompanies a request that is served: the instrumentation, if any, and the trace
 * that the request belongs to, which its handler's own requests carry on.
 */
final class ServedTrace implements Closeable {

	/** Of W3C <em>Trace Context</em> and <em>Baggage</em>. */
	private static final List<String> HEADERS = List.of("traceparent", "tracestate", "baggage");

	/** Of the request that the thread works on; not set if that has none. */
	private static final ThreadLocal<Map<String, String>> CURRENT = new ThreadLocal<>();

	private static final ServedTrace NONE = new ServedTrace(IpcInstrumentation.Observed.NONE, false);

	private final IpcInstrumentation.Observed observed;

	private final boolean bound;

	private ServedTrace(IpcInstrumentation.Observed observed, boolean bound) {
		this.observed = observed;
		this.bound = bound;
	}

	/** Begins in the thread of the handler, which also closes it. */
	static ServedTrace begin(IpcInstrumentation instrumentation, String peer, IpcContext request) {
		Map<String, String> headers = headersOf(request);
		if (!headers.isEmpty()) {
			CURRENT.set(headers);
		}
		IpcInstrumentation.Observed observed = instrumentation.serving(peer, request);
		return (headers.isEmpty() && observed == IpcInstrumentation.Observed.NONE) ? NONE
				: new ServedTrace(observed, !headers.isEmpty());
	}

	/** The headers of a request that say to which trace it belongs. */
	static Map<String, String> headersOf(IpcContext request) {
		Map<String, String> all = request.headers();
		if (all.isEmpty()) {
			return all;
		}
		Map<String, String> headers = new LinkedHashMap<>();
		for (String name : HEADERS) {
			String value = all.get(name);
			if (value != null) {
				headers.put(name, value);
			}
		}
		return headers;
	}

	/** Those of the request that this thread works on; empty if there are none. */
	static Map<String, String> currentHeaders() {
		Map<String, String> headers = CURRENT.get();
		return (headers != null) ? headers : Map.of();
	}

	/** Called if the reply is an error, or reaches nobody. */
	void failed(Throwable error) {
		this.observed.failed(error);
	}

	@Override
	public void close() {
		if (this.bound) {
			CURRENT.remove();
		}
		this.observed.end();
	}

}
