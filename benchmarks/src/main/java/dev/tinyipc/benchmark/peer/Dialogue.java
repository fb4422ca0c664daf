package dev.tinyipc.benchmark.peer;

/** One request, which is sent again and again, and its reply. */
interface Dialogue {

	/**
	 * Sends the request and takes the reply.
	 * @throws Exception if it failed
	 */
	void exchange() throws Exception;

	/**
	 * Looks into the last reply, outside of what is timed.
	 * @return what came, to be compared with what was sent
	 */
	Object reply();

}
