package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** What lanes need: sockets that reach the other side over a socket. */
@Timeout(60)
class SocketPassingTests {

	/** DESIGN 3: a message whose body is null, and that carries one socket. */
	@Test
	void laneIsANullMessageWithASocketThatWorksBothWays() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcSocketPair lane = IpcSocket.pair();
			IpcChannel.over(pair.parent()).send(null, lane.child().descriptor());
			lane.child().close();
			try (IpcSocket arrived = adopt(IpcChannel.over(pair.child()));
					IpcMessage<String> answer = exchange(lane.parent(), arrived)) {
				assertThat(answer.payload()).isEqualTo("answer to question");
				assertThat(arrived.isCloseOnExec()).isTrue();
			}
			assertThat(lane.parent().receive(ByteBuffer.allocate(1))).as("the only holder closed").isNull();
			lane.parent().close();
			IpcChannel.over(pair.parent()).send("the first socket is free all the time");
			assertThat(IpcChannel.over(pair.child()).receive(String.class).payload()).startsWith("the first");
		}
	}

	private static IpcMessage<String> exchange(IpcSocket ours, IpcSocket theirs) throws IpcException {
		IpcChannel.over(ours).send("question");
		IpcMessage<String> question = IpcChannel.over(theirs).receive(String.class);
		IpcChannel.over(theirs).send("answer to " + question.payload());
		return IpcChannel.over(ours).receive(String.class);
	}

	private static IpcSocket adopt(IpcChannel over) throws IpcException {
		try (IpcMessage<Object> message = over.receive(Object.class)) {
			assertThat(message.payload()).isNull();
			assertThat(message.descriptors()).hasSize(1);
			return IpcSocket.adopt(message.take(0).detach());
		}
	}

	@Test
	void manyLanesTravelInOneMessage() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			List<IpcSocketPair> lanes = new ArrayList<>();
			OwnedFd[] ends = new OwnedFd[100];
			for (int i = 0; i < ends.length; i++) {
				lanes.add(IpcSocket.pair());
				ends[i] = lanes.get(i).child().descriptor();
			}
			IpcChannel.over(pair.parent()).send(null, ends);
			lanes.forEach((lane) -> lane.child().close());
			try (IpcMessage<Object> message = IpcChannel.over(pair.child()).receive(Object.class)) {
				for (int i = 0; i < ends.length; i++) {
					try (IpcSocket arrived = IpcSocket.adopt(message.take(i).detach())) {
						arrived.send(Samples.bytes("lane " + i));
						assertThat(Samples.receiveText(lanes.get(i).parent())).isEqualTo("lane " + i);
					}
				}
			}
			lanes.forEach(IpcSocketPair::close);
		}
	}

	/** ipc-channel: data survives its sender's close. */
	@Test
	void dataThatWaitsInASocketTravelsWithIt() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); OwnedFd file = Samples.memoryFile("inside")) {
			IpcSocketPair lane = IpcSocket.pair();
			IpcChannel.over(lane.parent()).send("first", file);
			IpcChannel.over(lane.parent()).send("second");
			lane.parent().close();
			IpcChannel.over(pair.parent()).send(null, lane.child().descriptor());
			lane.child().close();
			pair.parent().close();
			try (IpcSocket arrived = adopt(IpcChannel.over(pair.child()));
					IpcMessage<String> first = IpcChannel.over(arrived).receive(String.class)) {
				assertThat(first.payload()).isEqualTo("first");
				assertThat(Samples.content(first.descriptors().get(0))).isEqualTo("inside");
				assertThat(IpcChannel.over(arrived).receive(String.class).payload()).isEqualTo("second");
				assertThat(IpcChannel.over(arrived).receive(String.class)).isNull();
			}
		}
	}

	/** ipc-channel: an endpoint inside a message that is itself in flight. */
	@Test
	void socketsInsideSocketsInsideSocketsArrive() throws Exception {
		LeakWatch watch = new LeakWatch();
		int depth = 5;
		try (IpcSocketPair outer = IpcSocket.pair()) {
			IpcSocketPair innermost = IpcSocket.pair();
			IpcChannel.over(innermost.parent()).send("deep inside");
			IpcSocket packed = innermost.child();
			for (int i = 0; i < depth; i++) {
				IpcSocketPair wrapping = IpcSocket.pair();
				IpcChannel.over(wrapping.parent()).send(null, packed.descriptor());
				wrapping.parent().close();
				packed.close();
				packed = wrapping.child();
			}
			IpcChannel.over(outer.parent()).send(null, packed.descriptor());
			packed.close();
			IpcSocket unpacked = adopt(IpcChannel.over(outer.child()));
			for (int i = 0; i < depth; i++) {
				IpcSocket next = adopt(IpcChannel.over(unpacked));
				unpacked.close();
				unpacked = next;
			}
			assertThat(IpcChannel.over(unpacked).receive(String.class).payload()).isEqualTo("deep inside");
			IpcChannel.over(unpacked).send("back");
			assertThat(IpcChannel.over(innermost.parent()).receive(String.class).payload()).isEqualTo("back");
			unpacked.close();
			innermost.parent().close();
		}
		watch.assertNoneLeft();
	}

	@Test
	void socketIsPassedOnTwiceAndMayComeBack() throws Exception {
		try (IpcSocketPair first = IpcSocket.pair(); IpcSocketPair second = IpcSocket.pair()) {
			IpcSocketPair lane = IpcSocket.pair();
			IpcChannel.over(first.parent()).send(null, lane.child().descriptor());
			lane.child().close();
			try (IpcSocket once = adopt(IpcChannel.over(first.child()))) {
				IpcChannel.over(second.parent()).send(null, once.descriptor());
			}
			try (IpcSocket twice = adopt(IpcChannel.over(second.child()))) {
				IpcChannel.over(second.child()).send(null, twice.descriptor());
			}
			try (IpcSocket back = adopt(IpcChannel.over(second.parent()))) {
				assertThat(exchange(lane.parent(), back).payload()).isEqualTo("answer to question");
			}
			assertThat(lane.parent().receive(ByteBuffer.allocate(1))).isNull();
			lane.parent().close();
		}
	}

	@Test
	void endIsNotSeenWhileTheSocketIsUnderWay() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair(); IpcSocketPair lane = IpcSocket.pair()) {
			pair.parent().send(Samples.bytes("lane"), lane.child().descriptor());
			lane.child().close();
			assertThat(lane.parent().tryReceive(ByteBuffer.allocate(1))).isNull();
			lane.parent().send(Samples.bytes("can be sent"));
			pair.child().close();
			// Nobody can receive it any more.
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> lane.parent().send(Samples.bytes("x")));
		}
	}

	@Test
	void bothEndsOfALaneMayBeGivenAway() throws Exception {
		try (IpcSocketPair one = IpcSocket.pair(); IpcSocketPair other = IpcSocket.pair()) {
			IpcSocketPair lane = IpcSocket.pair();
			IpcChannel.over(one.parent()).send(null, lane.parent().descriptor());
			IpcChannel.over(other.parent()).send(null, lane.child().descriptor());
			lane.close();
			try (IpcSocket left = adopt(IpcChannel.over(one.child()));
					IpcSocket right = adopt(IpcChannel.over(other.child()))) {
				assertThat(exchange(left, right).payload()).isEqualTo("answer to question");
			}
		}
	}

	/** A socket can even carry its own end. */
	@Test
	void socketThatCarriesItselfArrives() throws Exception {
		try (IpcSocketPair pair = IpcSocket.pair()) {
			IpcChannel.over(pair.parent()).send(null, pair.child().descriptor());
			try (IpcSocket itself = adopt(IpcChannel.over(pair.child()))) {
				pair.child().close();
				assertThat(exchange(pair.parent(), itself).payload()).isEqualTo("answer to question");
			}
		}
	}

	@Test
	void laneReachesAChildProcessThatServesIt() throws Exception {
		try (IpcProcess child = new IpcProcessBuilder(new ChildJvm(Serving.class).command()).inheritIO().start()) {
			IpcSocketPair lane = IpcSocket.pair();
			IpcChannel.over(child.socket()).send(null, lane.child().descriptor());
			lane.child().close();
			try (IpcSocket ours = lane.parent()) {
				IpcChannel.over(ours).send("question");
				assertThat(IpcChannel.over(ours).receive(String.class).payload()).isEqualTo("answer to question");
			}
			child.socket().close();
			assertThat(child.waitFor()).isZero();
		}
	}

	static final class Serving {

		public static void main(String[] args) throws Exception {
			IpcChannel parent = IpcChannel.over(IpcSocket.inherited().orElseThrow());
			try (IpcSocket lane = adopt(parent)) {
				IpcMessage<String> question = IpcChannel.over(lane).receive(String.class);
				IpcChannel.over(lane).send("answer to " + question.payload());
				assertThat(IpcChannel.over(lane).receive(String.class)).isNull();
			}
			assertThat(parent.receive(Object.class)).isNull();
		}

	}

}
