package dev.tinyipc.interop;

import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.spring.CborMessageTemplate;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;

/** An application reads what a child in Python sends, where that child has put it. */
@Timeout(value = 180, unit = TimeUnit.SECONDS, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class StreamedBlockTests {

	private static final int SIZE = 1 << 20;

	private static final int MANY = 300;

	@BeforeAll
	@Timeout(value = 30, unit = TimeUnit.MINUTES)
	static void build() {
		InteropTests.build();
	}

	private static ByteBuffer frame(int number) {
		byte[] data = new byte[SIZE];
		Arrays.fill(data, (byte) number);
		return ByteBuffer.wrap(data);
	}

	@Test
	void replyIsAViewAndALongStreamNeedsAFewBlocks() throws Exception {
		Language.PYTHON_LIBRARY.require();
		List<String> command = List.of(Language.PYTHON_LIBRARY.command().get(0),
				Language.PYTHON_LIBRARY.built("frames_child.py"));
		SpringParent.application("child", command)
			.withPropertyValues("ipc.children.child.blocks=8MB", "ipc.children.child.ready=true")
			.run((context) -> {
				CborMessageTemplate template = context.getBean(CborMessageTemplate.class);
				try (IpcMessage<ByteBuffer> reply = template.method("frame").sendAndReceive(7, ByteBuffer.class)) {
					assertThat(reply.payload().isDirect()).isTrue();
					assertThat(reply.payload()).isEqualTo(frame(7));
				}
				AtomicInteger number = new AtomicInteger();
				AtomicInteger views = new AtomicInteger();
				try (Stream<IpcMessage<ByteBuffer>> frames = template.method("frames")
					.sendAndStream("child", MANY, ByteBuffer.class)) {
					frames.forEach((message) -> {
						try (message) {
							views.addAndGet(message.payload().isDirect() ? 1 : 0);
							assertThat(message.payload()).isEqualTo(frame(number.getAndIncrement()));
						}
					});
				}
				assertThat(number).hasValue(MANY);
				assertThat(views).hasPositiveValue();
				assertThat(template.method("lane blocks").convertSendAndReceive(0, Integer.class)).isBetween(1, 8);
				System.out.println("interop PYTHON_LIBRARY stream of " + MANY + " frames ok, " + views + " in blocks");
			});
	}

}
