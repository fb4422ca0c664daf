package dev.tinyipc.benchmark.peer;

/** One message, which is sent again and again without a reply. */
interface Flood {

	/**
	 * Sends the message.
	 * @throws Exception if it failed
	 */
	void send() throws Exception;

	/**
	 * Sends it for the last time, and waits until the child has it.
	 * @return how many came since the last time that this was asked
	 * @throws Exception if it failed
	 */
	long sendLast() throws Exception;

}
