package dev.tinyipc.spring.child;

import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.spring.CborMessageOperations;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcMessagingException;
import dev.tinyipc.spring.IpcPoisonRequestException;
import dev.tinyipc.spring.IpcReplyLostException;
import dev.tinyipc.spring.IpcServiceProxyFactory;
import dev.tinyipc.spring.RawWorker;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import org.springframework.boot.test.context.runner.ApplicationContextRunner;
import org.springframework.context.ApplicationContext;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Large byte arrays go through memory that both ends share, if the properties say so. */
@Timeout(180)
class LargeDataTests {

	private static final int MIB = 1024 * 1024;

	private static final String BLOCKS = "ipc.children.worker.blocks=64MB";

	private long drawn;

	private static ApplicationContextRunner application(String... properties) {
		return RawWorker.nothing()
			.withPropertyValues("ipc.children.worker.main=" + LargeDataWorker.class.getName(),
					"ipc.children.worker.ready=true", "ipc.children.worker.restart.initial-delay=1ms")
			.withPropertyValues(properties);
	}

	private static <T> T call(ApplicationContext context, String method, Object payload, Class<T> type) {
		return context.getBean(CborMessageTemplate.class).method(method).convertSendAndReceive(payload, type);
	}

	private static byte[] random(int size) {
		byte[] data = new byte[size];
		new Random(size).nextBytes(data);
		return data;
	}

	@ParameterizedTest
	@ValueSource(strings = { "socket", "memory" })
	void dataOfMoreThanTheMaximumMessageSizeGoesThroughBlocks(String transport) {
		application(BLOCKS, "ipc.children.worker.transport=" + transport).run((context) -> {
			byte[] data = random(20 * MIB);
			for (int i = 0; i < 3; i++) {
				assertThat(Arrays.equals(call(context, "echo", data, byte[].class), data)).isTrue();
				assertThat(call(context, "sum", ByteBuffer.wrap(data), Long.class))
					.isEqualTo(LargeDataWorker.sum(ByteBuffer.wrap(data)));
			}
		});
	}

	@Test
	void withoutBlocksSuchDataIsRefused() {
		application().run((context) -> assertThatExceptionOfType(IpcMessagingException.class)
			.isThrownBy(() -> call(context, "echo", new byte[20 * MIB], byte[].class))
			.withMessageContaining("over the limit"));
	}

	/**
	 * What is returned in a message is a view until that is closed, and all else a copy.
	 */
	@ParameterizedTest
	@ValueSource(strings = { "socket", "memory" })
	void aCallerReadsLargeDataWhereItIsUntilTheMessageIsClosed(String transport) {
		application(BLOCKS, "ipc.children.worker.transport=" + transport).run((context) -> {
			ByteBuffer data = ByteBuffer.wrap(random(MIB));
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			ByteBuffer copy = template.method("echo").convertSendAndReceive(data, ByteBuffer.class);
			try (IpcMessage<ByteBuffer> reply = template.method("echo").sendAndReceive(data, ByteBuffer.class);
					IpcMessage<ByteBuffer> copied = template.method("echo")
						.copied()
						.sendAndReceive(ByteBuffer.wrap(new byte[MIB]), ByteBuffer.class)) {
				assertThat(reply.payload().isReadOnly()).isTrue();
				assertThat(reply.payload().isDirect()).isTrue();
				assertThat(reply.payload()).isEqualTo(data);
				assertThat(copied.payload().isDirect()).isFalse();
			}
			assertThat(copy.isDirect()).isFalse();
			assertThat(copy).isEqualTo(data);
		});
	}

	@Test
	void theExampleOfTheReadmeDrawsWithoutACopy() {
		application(BLOCKS).run((context) -> {
			CborMessageOperations template = context.getBean(CborMessageTemplate.class).method("echo");
			byte[] pixels = random(MIB);
			try (IpcMessage<ByteBuffer> picture = template.sendAndReceive(pixels, ByteBuffer.class)) {
				draw(picture.payload()); // no copy, valid until the message is closed
			}
			assertThat(this.drawn).isEqualTo(LargeDataWorker.sum(ByteBuffer.wrap(pixels)));
		});
	}

	private void draw(ByteBuffer pixels) {
		assertThat(pixels.isDirect()).isTrue();
		this.drawn = LargeDataWorker.sum(pixels);
	}

	@ParameterizedTest
	@ValueSource(strings = { "socket", "memory" })
	void elementsOfStreamsGoThroughBlocks(String transport) {
		application(BLOCKS, "ipc.children.worker.transport=" + transport).run((context) -> {
			CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
			List<ByteBuffer> copies;
			try (Stream<ByteBuffer> frames = template.method("frames").convertSendAndStream(100, ByteBuffer.class)) {
				copies = frames.toList();
			}
			assertThat(copies).hasSize(100)
				.allSatisfy((frame) -> assertThat(frame.isDirect()).isFalse())
				.isEqualTo(IntStream.range(0, 100).mapToObj(LargeDataWorker::frame).toList());
			try (Stream<IpcMessage<ByteBuffer>> frames = template.method("frames")
				.sendAndStream("worker", 100, ByteBuffer.class)) {
				AtomicInteger number = new AtomicInteger();
				frames.forEach((frame) -> {
					try (frame) {
						assertThat(frame.payload()).isEqualTo(LargeDataWorker.frame(number.getAndIncrement()));
					}
				});
			}
		});
	}

	@Test
	void whatAContractReturnsOutlivesItsReply() {
		application(BLOCKS).run((context) -> {
			Frames frames = IpcServiceProxyFactory.builder(context.getBean(CborMessageTemplate.class))
				.destination("worker")
				.build()
				.createClient(Frames.class);
			ByteBuffer data = ByteBuffer.wrap(random(MIB));
			ByteBuffer copy = frames.echo(data);
			List<ByteBuffer> all;
			try (Stream<ByteBuffer> stream = frames.frames(20)) {
				all = stream.toList();
			}
			try (IpcMessage<ByteBuffer> view = frames.frame(3)) {
				assertThat(view.payload().isDirect()).isTrue();
				assertThat(view.payload()).isEqualTo(LargeDataWorker.frame(3));
			}
			assertThat(copy.isDirect()).isFalse();
			assertThat(copy).isEqualTo(data);
			assertThat(all).isEqualTo(IntStream.range(0, 20).mapToObj(LargeDataWorker::frame).toList());
		});
	}

	interface Frames {

		ByteBuffer echo(ByteBuffer data);

		IpcMessage<ByteBuffer> frame(int number);

		Stream<ByteBuffer> frames(int count);

	}

	@Test
	void callsOfManyThreadsDoNotMixTheirData() {
		application(BLOCKS, "ipc.children.worker.concurrency=4", "ipc.children.worker.instances=2")
			.run((context) -> IntStream.range(0, 100).parallel().forEach((i) -> {
				byte[] data = random(MIB + i);
				assertThat(Arrays.equals(call(context, "echo", data, byte[].class), data)).isTrue();
			}));
	}

	@Test
	void dataIsSentAgainToAnotherInstance(@TempDir Path folder) {
		application(BLOCKS, "ipc.children.worker.idempotent=true").run((context) -> {
			Path marker = Files.createFile(folder.resolve("marker"));
			byte[] data = random(3 * MIB);
			assertThat(call(context, "die-once", new LargeDataWorker.Labelled(marker.toString(), ByteBuffer.wrap(data)),
					Long.class))
				.isEqualTo(LargeDataWorker.sum(ByteBuffer.wrap(data)));
			assertThat(marker).doesNotExist();
		});
	}

	@Test
	void aQuarantineKnowsDataInBlocksAgain() {
		application(BLOCKS, "ipc.children.worker.quarantine=1h", "ipc.children.worker.restart.max-failures=100")
			.run((context) -> {
				byte[] deadly = new byte[MIB];
				deadly[0] = 1;
				for (int i = 0; i < 2; i++) {
					assertThatExceptionOfType(IpcReplyLostException.class)
						.isThrownBy(() -> call(context, "die-of-1", deadly, Long.class));
				}
				assertThatExceptionOfType(IpcPoisonRequestException.class)
					.isThrownBy(() -> call(context, "die-of-1", deadly, Long.class));
				assertThat(call(context, "die-of-1", new byte[MIB], Long.class)).isZero();
			});
	}

	@Test
	void aLockedDownChildHasBlocks() {
		application(BLOCKS, "ipc.children.worker.sandbox.profile=locked-down",
				"ipc.children.worker.sandbox.required=false")
			.run((context) -> {
				byte[] data = random(20 * MIB);
				assertThat(Arrays.equals(call(context, "echo", data, byte[].class), data)).isTrue();
			});
	}

	@ParameterizedTest
	@ValueSource(strings = { "-1B", "2GB" })
	void aSizeThatIsNoneIsRefused(String size) {
		RawWorker.application("ipc.children.worker.blocks=" + size)
			.run((context) -> assertThat(context.getStartupFailure()).rootCause()
				.hasMessageContaining("less than 2 GB"));
	}

}
