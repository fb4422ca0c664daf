package dev.tinyipc.benchmark.peer;

import dev.tinyipc.benchmark.Order;
import tools.jackson.core.type.TypeReference;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectReader;
import tools.jackson.databind.ObjectWriter;

import java.util.List;

/**
 * How Jackson reads and writes what a child of a kind exchanges.
 *
 * @param reader reads it
 * @param writer writes it
 */
record Codec(ObjectReader reader, ObjectWriter writer) {

	private static final TypeReference<List<Order>> ORDERS = new TypeReference<>() {
	};

	static Codec of(ObjectMapper mapper, Kind kind) {
		return switch (kind) {
			case ORDER -> new Codec(mapper.readerFor(Order.class), mapper.writerFor(Order.class));
			case ORDERS -> new Codec(mapper.readerFor(ORDERS), mapper.writerFor(ORDERS));
			default -> new Codec(mapper.readerFor(byte[].class), mapper.writerFor(byte[].class));
		};
	}

}
