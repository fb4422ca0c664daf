package dev.tinyipc.spring.readme;

import java.math.BigDecimal;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.stream.Stream;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.ChildCalls;
import dev.tinyipc.spring.ChildProcess;
import dev.tinyipc.spring.IpcClient;
import dev.tinyipc.spring.readme.ReportWorker.Query;
import dev.tinyipc.spring.readme.ReportWorker.Rate;
import dev.tinyipc.spring.readme.ReportWorker.Row;
import dev.tinyipc.spring.readme.ReportWorker.Total;

import org.springframework.context.annotation.Bean;
import org.springframework.context.annotation.Configuration;
import org.springframework.core.ParameterizedTypeReference;

/** The README's parent of a child that has conversations. */
@Configuration(proxyBeanMethods = false)
@ChildProcess(name = "reports", main = ReportWorker.class, ready = true, concurrency = 8)
class ReportApplication {

	@Bean
	ChildCalls reportCalls(Rates rates) {
		return new ChildCalls("reports",
				(calls) -> calls.handler("rate", String.class, (request) -> rates.of(request.payload())));
	}

	@Bean
	Rates rates() {
		return (currency) -> new Rate(BigDecimal.valueOf(2));
	}

	static Total total(CborMessageTemplate template, Query query) {
		Total total = template.method("total").convertSendAndReceive("reports", query, Total.class);
		return total;
	}

	static Total total(IpcClient client, Query query) {
		Total total = client.destination("reports")
			.method("total")
			.timeout(Duration.ofSeconds(5))
			.call(query, Total.class);
		return total;
	}

	static CompletableFuture<Total> later(IpcClient client, Query query, Consumer<Total> writer) {
		CompletableFuture<Total> total = client.destination("reports").method("total").callAsync(query, Total.class);
		total.thenAccept(writer);
		return total;
	}

	static void rows(CborMessageTemplate template, Query query, Consumer<Row> writer) {
		try (Stream<Row> rows = template.method("rows").convertSendAndStream("reports", query, Row.class)) {
			rows.forEach(writer::accept);
		}
	}

	static List<Row> all(CborMessageTemplate template, Query query) {
		List<Row> rows = template.convertSendAndReceive(query, new ParameterizedTypeReference<List<Row>>() {
		});
		return rows;
	}

	/** Finds the rate of a currency. */
	interface Rates {

		Rate of(String currency);

	}

}
