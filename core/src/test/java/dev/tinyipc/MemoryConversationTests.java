package dev.tinyipc;

import org.junit.jupiter.api.Nested;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledForJreRange;
import org.junit.jupiter.api.condition.JRE;
import org.junit.jupiter.api.extension.ExtendWith;

import static org.assertj.core.api.Assertions.assertThat;

/** Conversations through memory are what they are over sockets. */
@ExtendWith(OverMemory.class)
class MemoryConversationTests {

	@Test
	void messagesReallyGoThroughMemory() throws Exception {
		try (Conversation conversation = Conversation
			.with(IpcServer.builder().handler(String.class, IpcMessage::payload))) {
			assertThat(conversation.socket().isShared()).isTrue();
			assertThat(conversation.call("", "x")).isEqualTo("x");
		}
	}

	@Nested
	class Channels extends ChannelTests {

	}

	@Nested
	class Decoding extends ChannelDecodingTests {

	}

	@Nested
	class ByteStrings extends ByteStringTests {

	}

	@Nested
	class LargeMessages extends LargeMessageTests {

	}

	@Nested
	class DuplicateKeys extends DuplicateKeyTests {

	}

	@Nested
	class HostileBodies extends HostileBodyTests {

	}

	@Nested
	class HostileCalls extends HostileCallsTests {

	}

	@Nested
	class Errors extends ErrorItemTests {

	}

	@Nested
	class Envelopes extends EnvelopeTests {

	}

	@Nested
	class Requesters extends IpcRequesterTests {

	}

	@Nested
	class Servers extends IpcServerTests {

	}

	@Nested
	class InspectedRequests extends InspectedRequestTests {

	}

	@Nested
	class Instrumentation extends InstrumentationTests {

	}

	@Nested
	class BareStreams extends BareStreamTests {

	}

	@Nested
	class GivenChannels extends GivenChannelTests {

	}

	@Nested
	class Watches extends LaneWatchTests {

	}

	@Nested
	class Ownership extends OwnershipStressTests {

	}

	@Nested
	class Lanes extends ServerLanesTests {

	}

	@Nested
	class Blocks extends SharedBlocksTests {

	}

	@Nested
	class BlockViews extends BlockViewTests {

	}

	@Nested
	class StreamedBlocks extends StreamedBlocksTests {

	}

	@Nested
	class Streams extends StreamTests {

	}

	@Nested
	class StreamsThatAreGathered extends GatheredElementsTests {

	}

	@Nested
	class StreamsInTrouble extends GatheringTroubleTests {

	}

	@Nested
	class StreamsInLittleMemory extends StreamMemoryTests {

	}

	@Nested
	class Cancels extends CancelTests {

	}

	@Nested
	class Calls extends CallTests {

	}

	@Nested
	class Gates extends RequestGateTests {

	}

	@Nested
	class Contracts extends ContractTests {

	}

	@Nested
	class ContractFutures extends ContractFutureTests {

	}

	@Nested
	@EnabledForJreRange(min = JRE.JAVA_21)
	class VirtualThreads extends VirtualLanesTests {

	}

	@Nested
	class Traces extends TraceTests {

	}

	@Nested
	class Payloads extends TypedPayloadTests {

	}

}
