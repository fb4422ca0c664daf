package dev.tinyipc.benchmark;

import java.util.List;
import java.util.stream.IntStream;

/**
 * The typed object of the works {@code object} and {@code objects}: a dozen fields of
 * mixed types. {@code README.md} shows it as JSON, for contenders in other languages.
 *
 * @param id a number beyond 32 bits
 * @param customer text of 16 characters
 * @param product text of 24 characters
 * @param quantity a small number
 * @param price a fraction
 * @param discount a fraction
 * @param created milliseconds since 1970
 * @param status one of four
 * @param paid true or false
 * @param gift true or false
 * @param address an object of its own
 * @param note text of 40 characters
 */
public record Order(long id, String customer, String product, int quantity, double price, double discount, long created,
		Status status, boolean paid, boolean gift, Address address, String note) {

	/** The state of an order. */
	public enum Status {

		/** It came in. */
		PLACED,
		/** It was put into a box. */
		PACKED,
		/** It is on its way. */
		SHIPPED,
		/** It is there. */
		DELIVERED

	}

	/**
	 * Where it goes.
	 *
	 * @param street text
	 * @param number a small number
	 * @param city text
	 */
	public record Address(String street, int number, String city) {
	}

	/**
	 * An order like the others.
	 * @param number which, from 0
	 * @return the order
	 */
	public static Order sample(int number) {
		return new Order(9_007_199_254L + number, "Ada Lovelace ABC", "Analytical Engine, brass", 1 + number % 100,
				1843.25 + number, 0.125, 1_700_000_000_000L + number, Status.values()[number % Status.values().length],
				true, false, new Address("St James's Square", 12, "London"),
				"To be left with the porter, if need be. ");
	}

	/**
	 * The list of the work {@code objects}.
	 * @return 1 000 orders
	 */
	public static List<Order> samples() {
		return IntStream.range(0, 1000).mapToObj(Order::sample).toList();
	}

}
