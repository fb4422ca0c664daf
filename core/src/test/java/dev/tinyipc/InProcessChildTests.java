package dev.tinyipc;

import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** Programs that run in this JVM in place of a child. */
@Timeout(60)
class InProcessChildTests {

	@Test
	void aServerSaysHelloAndAnswersAsInAProcess() throws Exception {
		try (IpcProcess process = IpcProcess.inThisJvm(IpcSocket.pair(), (socket) -> {
			IpcServer.builder()
				.handler("echo", String.class, (request) -> request.payload())
				.threads(2)
				.build()
				.serveAsChild(IpcChannel.over(socket));
			return 0;
		})) {
			IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()), "the child");
			assertThat(requester.awaitHello(Conversation.inTime()).methods().orElseThrow()).containsExactly("echo");
			assertThat(Conversation.call(requester, "echo", "hello")).isEqualTo("hello");
			IpcRequester lane = requester.openLane(Conversation.inTime());
			assertThat(Conversation.call(lane, "echo", "on a lane")).isEqualTo("on a lane");
			assertThat(process.pid()).isEqualTo(ProcessHandle.current().pid());
			assertThat(process.isAlive()).isTrue();
			process.socket().shutdownOutput();
			assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
			assertThat(process.exitStatus().orElseThrow().isSuccess()).isTrue();
			lane.channel().socket().close();
		}
	}

	@Test
	void whatDestroysItInterruptsItAndClosesItsSocket() throws Exception {
		CompletableFuture<Boolean> interrupted = new CompletableFuture<>();
		try (IpcProcess process = IpcProcess.inThisJvm(IpcSocket.pair(), (socket) -> {
			try {
				new CountDownLatch(1).await();
			}
			catch (InterruptedException ex) {
				interrupted.complete(socket.isClosed());
			}
			return 0;
		})) {
			process.destroyForcibly();
			assertThat(process.exitStatus().orElseThrow()).hasToString("signal 9 (SIGKILL)");
			assertThat(interrupted.get(60, TimeUnit.SECONDS)).isTrue();
			assertThat((Object) IpcChannel.over(process.socket())
				.receive(Object.class, Deadline.in(Duration.ofSeconds(60)))).isNull();
		}
	}

	@Test
	void aProgramThatThrowsHasFailed() throws Exception {
		try (IpcProcess process = IpcProcess.inThisJvm(IpcSocket.pair(), (socket) -> {
			throw new IllegalStateException("on purpose");
		})) {
			assertThat(process.waitFor()).isEqualTo(1);
			IpcRequester requester = IpcRequester.over(IpcChannel.over(process.socket()), "the child");
			assertThatExceptionOfType(IpcException.PeerClosed.class)
				.isThrownBy(() -> requester.begin(Conversation.inTime()));
		}
	}

}
