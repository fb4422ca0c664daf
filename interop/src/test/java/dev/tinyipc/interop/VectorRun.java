package dev.tinyipc.interop;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;

import org.awaitility.core.ConditionTimeoutException;
import tools.jackson.databind.JsonNode;

/** Vectors that are shown to a child, and to a new one after each that ends it. */
final class VectorRun {

	private VectorRun() {
	}

	/** How the next child is started. */
	interface Start {

		Child child() throws Exception;

	}

	/** Shows a child a vector, and compares what becomes of it. */
	interface Check {

		/** Returns whether the child serves the next request. */
		boolean serves(Child child, JsonNode vector) throws Exception;

	}

	/** Starts children that were invited, and takes their hellos. */
	static Start invited(Language language) {
		return () -> {
			Child child = Child.invited(language);
			RawParent.greeting(child);
			return child;
		};
	}

	/** Checks all vectors, and fails with those that do not mean what they should. */
	static void check(List<JsonNode> vectors, Start start, Check check) throws Exception {
		List<String> failures = new ArrayList<>();
		Child child = null;
		try {
			for (JsonNode vector : vectors) {
				if (child == null) {
					child = start.child();
				}
				boolean serves = false;
				try {
					serves = check.serves(child, vector);
				}
				catch (IOException | AssertionError | Cbor.Malformed | ConditionTimeoutException ex) {
					failures.add(vector.path("name").stringValue() + ": " + ex);
				}
				if (!serves) {
					child.close();
					child = null;
				}
			}
		}
		finally {
			if (child != null) {
				child.close();
			}
		}
		if (!failures.isEmpty()) {
			throw new AssertionError(
					failures.size() + " of " + vectors.size() + " vectors:\n" + String.join("\n", failures));
		}
	}

}
