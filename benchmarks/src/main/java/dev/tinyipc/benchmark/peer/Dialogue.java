package dev.tinyipc.benchmark.peer;

import org.jspecify.annotations.Nullable;

/** One request, which is sent again and again, and its reply. */
interface Dialogue {

	/**
	 * Sends the request and takes the reply.
	 * @throws Exception if it failed
	 */
	void exchange() throws Exception;

	/**
	 * Looks into a reply, outside of what is timed.
	 * @return what came, to be compared with what was sent
	 */
	@Nullable Object reply();

}
