package dev.tinyipc;

import java.nio.ByteBuffer;
import java.time.Duration;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

/** The socket to a child ends with the child, even if others hold its end. */
@Timeout(60)
class ChildSocketEndTests {

	/** Leaves a process that holds the socket, in a session of its own. */
	private static final String HEIR = "setsid sleep 600 & echo $! >&3; ";

	@ParameterizedTest
	@ValueSource(booleans = { true, false })
	void aGrandchildThatHoldsTheSocketDoesNotHideTheEnd(boolean contained) throws Exception {
		IpcProcessBuilder builder = shell(HEIR + "echo last >&3; read go <&3");
		try (IpcProcess child = (contained ? builder.contained() : builder).start()) {
			String heir = Samples.receiveText(child.socket()).strip();
			try {
				assertThat(Samples.receiveText(child.socket())).isEqualTo("last\n");
				try (Blocked reader = Blocked.in("recvmsg",
						() -> assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull())) {
					child.destroyForcibly();
					reader.join();
				}
				assertThatExceptionOfType(IpcException.PeerClosed.class)
					.isThrownBy(() -> child.socket().send(Samples.bytes("anybody?")));
			}
			finally {
				child.destroyForcibly().waitFor();
				new ProcessBuilder("kill", "-9", heir).start().waitFor();
			}
		}
	}

	@Test
	void whatWasSentBeforeTheEndIsReceivedBeforeIt() throws Exception {
		try (IpcProcess child = shell(HEIR + "echo 1 >&3; echo 2 >&3; exit 3").start()) {
			child.waitFor();
			child.socket().setReceiveTimeout(Duration.ofSeconds(10));
			String heir = Samples.receiveText(child.socket()).strip();
			try {
				assertThat(Samples.receiveText(child.socket())).isEqualTo("1\n");
				assertThat(Samples.receiveText(child.socket())).isEqualTo("2\n");
				assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull();
			}
			finally {
				new ProcessBuilder("kill", "-9", heir).start().waitFor();
			}
		}
	}

	@Test
	void aChildsOwnEndInTheQueueDoesNotHideTheEnd() throws Exception {
		String program = """
				import socket
				s = socket.socket(fileno=3)
				socket.send_fds(s, [b'mine'], [3])
				""";
		try (IpcProcess child = ChildTests.python(program)) {
			child.waitFor();
			child.socket().setReceiveTimeout(Duration.ofSeconds(10));
			try (Packet packet = child.socket().receive(ByteBuffer.allocate(10))) {
				assertThat(packet.descriptors()).hasSize(1);
				assertThat(child.socket().receive(ByteBuffer.allocate(1))).isNull();
			}
		}
	}

	@Test
	void aGrandchildCannotAnswerInPlaceOfAChildThatHasEnded() throws Exception {
		String program = """
				import os, socket, sys
				if os.fork():
					os._exit(0)
				sys.stdin.read(1)
				try: socket.socket(fileno=3).send(b'forged')
				except BrokenPipeError: print('refused')
				""";
		try (IpcProcess child = new IpcProcessBuilder("python3", "-c", program).start()) {
			child.waitFor();
			child.getOutputStream().write('\n');
			child.socket().setReceiveTimeout(Duration.ofSeconds(10));
			assertThat(child.socket().receive(ByteBuffer.allocate(10))).isNull();
			assertThat(new String(child.getInputStream().readAllBytes())).isEqualTo("refused\n");
		}
	}

	/** A detached descriptor is no longer ours to shut down. */
	@Test
	void aSocketThatWasDetachedIsLeftAlone() throws Exception {
		String script = "exec 4<&0; read detached <&4; (read go; echo still here >&3) <&4 & exit 0";
		try (IpcProcess child = shell(script).start(); IpcSocket socket = IpcSocket.adopt(child.socket().detach())) {
			child.getOutputStream().write('\n');
			child.waitFor();
			child.getOutputStream().write('\n');
			assertThat(Samples.receiveText(socket)).isEqualTo("still here\n");
		}
	}

	private static IpcProcessBuilder shell(String script) {
		return new IpcProcessBuilder("sh", "-c", script);
	}

}
