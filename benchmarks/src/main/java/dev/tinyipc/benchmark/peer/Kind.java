package dev.tinyipc.benchmark.peer;

/** What a child is started for, and so what it makes of the messages that it gets. */
enum Kind {

	/** Bytes, which it sends back. */
	BYTES,
	/** Bytes that it counts; it answers one that begins with 1 by how many came. */
	COUNT,
	/** An order, which it decodes, encodes and sends back. */
	ORDER,
	/** The same with a list of orders. */
	ORDERS,
	/** A number, which it answers by so many orders. */
	FETCH,
	/** Bytes that carry a descriptor, which it closes. */
	DESCRIPTOR

}
