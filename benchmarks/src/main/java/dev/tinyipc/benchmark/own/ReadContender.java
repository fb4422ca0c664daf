package dev.tinyipc.benchmark.own;

import java.io.IOException;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.ObjectReader;
import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Has no child: it reads the list of orders from memory, to records, or its tokens alone.
 */
public final class ReadContender implements Contender {

	private final boolean tokens;

	/**
	 * Made by the harness.
	 * @param arguments {@code records} or {@code tokens}
	 */
	public ReadContender(List<String> arguments) {
		this.tokens = arguments.get(0).equals("tokens");
	}

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		if (!work.equals("read")) {
			throw new CannotException("reads only");
		}
		Order[] orders = Order.samples().toArray(Order[]::new);
		CBORMapper mapper = IpcChannel.mapperBuilder().build();
		byte[] bytes = mapper.writeValueAsBytes(orders);
		ObjectReader reader = mapper.readerFor(Order[].class);
		if (this.tokens) {
			long expected = sum(mapper, bytes);
			return new Reading(() -> check(sum(mapper, bytes) == expected));
		}
		check(Arrays.equals(orders, (Order[]) reader.readValue(bytes)));
		return new Reading(() -> check(((Order[]) reader.readValue(bytes)).length == orders.length));
	}

	/** Each value is decoded, as a reader has to. */
	private static long sum(CBORMapper mapper, byte[] bytes) {
		long sum = 0;
		try (JsonParser parser = mapper.createParser(bytes)) {
			JsonToken token;
			while ((token = parser.nextToken()) != null) {
				sum += switch (token) {
					case VALUE_STRING -> parser.getString().length();
					case VALUE_NUMBER_INT -> parser.getLongValue();
					case VALUE_NUMBER_FLOAT -> (long) parser.getDoubleValue();
					default -> 1;
				};
			}
		}
		return sum;
	}

	private static void check(boolean right) throws IOException {
		if (!right) {
			throw new IOException("something else was read");
		}
	}

	private record Reading(Operation operation) implements Session {

		@Override
		public Result run(Duration duration) throws Exception {
			return Contender.repeat(duration, this.operation);
		}

		@Override
		public void close() {
			// Nothing is open.
		}

	}

}
