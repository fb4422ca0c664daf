package dev.tinyipc;

import java.util.Collection;

import org.jspecify.annotations.Nullable;

/** Says that a request names a method that a server does not have. */
final class UnknownMethodException extends RuntimeException {

	private static final long serialVersionUID = 1L;

	/**
	 * Creates an exception for one request.
	 * @param method null if the request names none
	 * @param known the methods that there are
	 */
	UnknownMethodException(@Nullable String method, Collection<String> known) {
		super(known.isEmpty() ? "This process answers no calls" : message(method, known));
	}

	private static String message(@Nullable String method, Collection<String> known) {
		return ((method != null) ? "There is no method '" + Printable.of(method) + '\''
				: "The request names no method, and there is no handler for such requests") + ". There are: "
				+ String.join(", ", known.stream().sorted().map((name) -> name.isEmpty() ? "(none)" : name).toList());
	}

}
