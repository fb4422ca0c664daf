package dev.tinyipc.benchmark.peer;

/**
 * The queues between the parent and a child.
 *
 * @param requests to the child
 * @param replies from it
 */
record JmsQueues(String requests, String replies) {
}
