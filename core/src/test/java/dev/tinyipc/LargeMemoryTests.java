package dev.tinyipc;

import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Future;

import org.junit.jupiter.api.Test;

import static org.assertj.core.api.Assertions.assertThat;

class LargeMemoryTests {

	private static final int MEGABYTE = 1024 * 1024;

	@Test
	void whatWasGivenBackIsTakenFirst() {
		NativeBuffer block = LargeMemory.take(3 * MEGABYTE);
		LargeMemory.giveBack(block);
		NativeBuffer next = LargeMemory.take(2 * MEGABYTE);
		assertThat(next).isSameAs(block);
		LargeMemory.giveBack(next);
	}

	@Test
	void whatIsTooSmallIsNotTaken() {
		LargeMemory.giveBack(LargeMemory.take(3 * MEGABYTE));
		NativeBuffer block = LargeMemory.take(LargeMemory.MAX_KEPT);
		assertThat(block.capacity()).isEqualTo(LargeMemory.MAX_KEPT);
		LargeMemory.giveBack(block);
	}

	@Test
	void noMoreIsKeptThanTheLimit() {
		List<NativeBuffer> blocks = new ArrayList<>();
		for (int i = 0; i < 6; i++) {
			blocks.add(LargeMemory.take(LargeMemory.MAX_KEPT / 4));
		}
		blocks.forEach(LargeMemory::giveBack);
		assertThat(LargeMemory.kept()).isEqualTo(LargeMemory.MAX_KEPT);
		NativeBuffer last = LargeMemory.take(MEGABYTE);
		assertThat(last).isSameAs(blocks.get(5));
		LargeMemory.giveBack(last);
	}

	@Test
	void aBlockOverTheLimitIsNotKept() {
		int before = LargeMemory.kept();
		LargeMemory.giveBack(LargeMemory.take(LargeMemory.MAX_KEPT + 1));
		assertThat(LargeMemory.kept()).isEqualTo(before);
	}

	@Test
	void aLargeMessageLeavesItsMemoryForTheNext() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			for (int i = 0; i < 3; i++) {
				String content = Integer.toString(i).repeat(4 * MEGABYTE);
				Future<Long> sent = FrameSizeTests.inBackground(() -> IpcChannel.over(pair.parent()).send(content));
				try (IpcMessage<String> message = IpcChannel.over(pair.child()).receive(String.class)) {
					assertThat(message.payload()).isEqualTo(content);
				}
				sent.get();
				assertThat(LargeMemory.kept()).isGreaterThanOrEqualTo(2 * content.length())
					.isLessThanOrEqualTo(LargeMemory.MAX_KEPT);
			}
		}
	}

}
