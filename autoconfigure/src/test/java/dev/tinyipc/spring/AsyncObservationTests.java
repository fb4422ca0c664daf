package dev.tinyipc.spring;

import java.util.List;
import java.util.Objects;
import java.util.Queue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;

import dev.tinyipc.IpcInstrumentation;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.child.ConversationWorker;
import dev.tinyipc.spring.child.IpcChild;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatNullPointerException;

/** What accompanies an asynchronous call is told of its end, whatever that is. */
@Timeout(120)
class AsyncObservationTests {

	@Test
	void everyCallThatBeginsEndsOnce() {
		RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + ConversationWorker.class.getName(),
					"ipc.children.worker.ready=true")
			.run((context) -> {
				Recorder recorder = new Recorder();
				IpcChild child = context.getBean(IpcChild.class);
				IpcClient.OperationSpec worker = IpcClient
					.create(new CborMessageTemplate(List.of(child), IpcObserver.NONE, recorder))
					.destination("worker");
				CompletableFuture<String> hanging = worker.method("hang").callAsync("", String.class);
				Awaitility.await().until(() -> child.instances().get(0).busyLanes() == 1);
				worker.callAsync("", String.class).complete("without the child");
				worker.callAsync("", String.class).completeOnTimeout("default", 1, TimeUnit.MILLISECONDS).join();
				worker.callAsync("", String.class).cancel(true);
				worker.callAsync("", String.class).cancel(false);
				worker.callAsync("", String.class).completeExceptionally(new IllegalStateException("given up"));
				OwnedFd[] none = { null };
				assertThatNullPointerException().isThrownBy(() -> worker.descriptors(none).callAsync("", String.class));
				hanging.cancel(true);
				assertThat(worker.callAsync("last", String.class).join()).isEqualTo("last");
				Awaitility.await()
					.untilAsserted(() -> assertThat(recorder.calls).extracting((call) -> call.news)
						.allSatisfy((news) -> assertThat(news).filteredOn("end"::equals).hasSize(1))
						.map((news) -> news.get(0))
						.containsExactly("IpcInterruptedException", "cancelled", "cancelled", "CancellationException",
								"CancellationException", "IllegalStateException", "NullPointerException", "end"));
			});
	}

	/** Writes down what it is told. */
	private static final class Recorder implements IpcInstrumentation {

		private final Queue<Call> calls = new ConcurrentLinkedQueue<>();

		@Override
		public Observed calling(String destination, String method) {
			Call call = new Call();
			this.calls.add(call);
			return call;
		}

	}

	/** One call. */
	private static final class Call implements IpcInstrumentation.Observed {

		private final List<String> news = new CopyOnWriteArrayList<>();

		@Override
		public void failed(Throwable error) {
			this.news.add(Objects.requireNonNull(error).getClass().getSimpleName());
		}

		@Override
		public void cancelled() {
			this.news.add("cancelled");
		}

		@Override
		public void end() {
			this.news.add("end");
		}

	}

}
