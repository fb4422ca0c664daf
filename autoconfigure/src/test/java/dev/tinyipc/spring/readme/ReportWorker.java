package dev.tinyipc.spring.readme;

import java.math.BigDecimal;
import java.util.List;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;

/** The README's child that has conversations. */
final class ReportWorker {

	private static final Database database = new Database();

	private ReportWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.builder()
			.handler(Query.class, (request) -> database.rows(request.payload()))
			.handler("total", Query.class, (request) -> database.total(request.payload()))
			.stream("rows", Query.class, (request, context, rows) -> {
				for (Row row : database.rows(request.payload())) {
					rows.send(row);
				}
			})
			.handler("price", Product.class, (request, context) -> {
				Rate rate = context.parent().call("rate", request.payload().currency(), Rate.class);
				return rate.times(request.payload().price());
			})
			.threads(8)
			.serve();
	}

	static void serveOnceLoaded(IpcServerBuilder builder) throws IpcException {
		try (IpcServer server = builder.start()) { // SIGTERM is held off from here on
			database.load();
			server.ready(); // says hello, and serves in other threads
			server.awaitEnd();
		}
	}

	record Query(String customer) {
	}

	record Row(String product, BigDecimal price) {
	}

	record Total(BigDecimal amount) {
	}

	record Product(BigDecimal price, String currency) {
	}

	record Rate(BigDecimal factor) {

		BigDecimal times(BigDecimal price) {
			return price.multiply(this.factor);
		}

	}

	private static final class Database {

		private final List<Row> rows = List.of(new Row("tea", new BigDecimal(3)), new Row("cake", new BigDecimal(4)));

		void load() {
			// There already.
		}

		Total total(Query query) {
			return new Total(rows(query).stream().map(Row::price).reduce(BigDecimal.ZERO, BigDecimal::add));
		}

		List<Row> rows(Query query) {
			return this.rows;
		}

	}

}
