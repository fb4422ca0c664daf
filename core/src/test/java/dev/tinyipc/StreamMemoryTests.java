package dev.tinyipc;

import java.util.stream.IntStream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** A stream of any length needs no more memory than a few of its elements. */
@Timeout(180)
class StreamMemoryTests {

	private static final int ELEMENTS = 1_000_000;

	record Row(int number, String name) {
	}

	@Test
	void millionElementsFitBothEnds() throws Exception {
		assertThat(new ChildJvm(Consumer.class).option("-Xmx64m").run()).endsWith(ELEMENTS + " rows\n");
	}

	static final class Consumer {

		public static void main(String[] arguments) throws Exception {
			try (Conversation conversation = Conversation.with(new ChildJvm(Producer.class).option("-Xmx64m"))) {
				Exchange exchange = conversation.ask("rows", ELEMENTS);
				int next = 0;
				while (true) {
					try (IpcMessage<Row> row = exchange.next(Row.class, Conversation.inTime())) {
						if (row == null) {
							break;
						}
						assertThat(row.payload().number()).isEqualTo(next++);
					}
				}
				System.out.println(next + " rows");
			}
		}

	}

	static final class Producer {

		public static void main(String[] arguments) throws IpcException {
			IpcServer.builder()
				.handler("rows", Integer.class,
						(request) -> IntStream.range(0, request.payload())
							.mapToObj((number) -> new Row(number, "of which all together need more than the heap has")))
				.serve();
		}

	}

}
