package dev.tinyipc;

import java.io.IOException;
import java.time.Duration;
import java.util.Set;

/** Whether a part of a test leaves descriptors or children behind. */
final class LeakWatch {

	private final Set<String> before;

	LeakWatch() throws IOException {
		this.before = LeakCheck.held();
	}

	void assertNoneLeft() {
		LeakCheck.assertNothingNew(this.before, Duration.ofSeconds(10));
	}

}
