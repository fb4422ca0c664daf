package dev.tinyipc;

import java.net.DatagramPacket;
import java.net.DatagramSocket;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.atomic.AtomicReference;

import com.sun.tools.attach.VirtualMachine;
import dev.tinyipc.JavaProbe.Attempt;
import dev.tinyipc.JavaProbe.Target;

/** Processes, sockets and threads, by what the JDK has for them. */
final class JavaProcessWays {

	private final Target target;

	private JavaProcessWays(Target target) {
		this.target = target;
	}

	static void addTo(Map<String, Attempt> ways, Target target) {
		new JavaProcessWays(target).addTo(ways);
	}

	private void addTo(Map<String, Attempt> ways) {
		ways.put("tcp", () -> new Socket(InetAddress.getLoopbackAddress(), this.target.tcp()).close());
		ways.put("tcp-listen", () -> new ServerSocket(0, 1, InetAddress.getLoopbackAddress()).close());
		ways.put("udp", this::sendDatagram);
		ways.put("unix-path",
				() -> SocketChannel.open(UnixDomainSocketAddress.of(Path.of(this.target.outside(), "stream"))).close());
		ways.put("unix-bind-path",
				() -> ServerSocketChannel.open(StandardProtocolFamily.UNIX)
					.bind(UnixDomainSocketAddress.of(Path.of(this.target.writable(), "own-socket")))
					.close());
		ways.put("socketpair-seqpacket", () -> IpcSocket.pair().close());
		ways.put("exec-other", () -> run("/bin/true"));
		ways.put("exec-shell", () -> run("/bin/sh", "-c", "exit 0"));
		ways.put("thread-reads", () -> inThread(() -> Files.readString(Path.of(this.target.outside(), "secret"))));
		ways.put("thread-tcp", () -> inThread(ways.get("tcp")));
		ways.put("environment", JavaProcessWays::readEnvironment);
		ways.put("java-attach", () -> VirtualMachine.attach(Integer.toString(this.target.parent())).detach());
		ways.put("java-process-handle", () -> ProcessHandle.of(this.target.parent()).orElseThrow());
		ways.put("java-destroy", this::destroySibling); // last
	}

	private void sendDatagram() throws Exception {
		try (DatagramSocket socket = new DatagramSocket()) {
			socket.send(new DatagramPacket(new byte[1], 1, InetAddress.getLoopbackAddress(), this.target.udp()));
		}
	}

	private static void run(String... command) throws Exception {
		Process process = new ProcessBuilder(command).start();
		int code = process.waitFor();
		if (code != 0) {
			throw new JavaProbe.Refused(code);
		}
	}

	private static void inThread(Attempt attempt) throws Exception {
		AtomicReference<Exception> failure = new AtomicReference<>();
		Thread thread = new Thread(() -> {
			try {
				attempt.make();
			}
			catch (Exception ex) {
				failure.set(ex);
			}
		});
		thread.start();
		thread.join();
		if (failure.get() != null) {
			throw failure.get();
		}
	}

	private static void readEnvironment() throws Exception {
		if (System.getenv("PROBE_SECRET") == null) {
			throw new NoSuchFileException("PROBE_SECRET");
		}
	}

	private void destroySibling() throws Exception {
		if (!ProcessHandle.of(this.target.sibling()).orElseThrow().destroyForcibly()) {
			throw new JavaProbe.Refused(Errno.EPERM.number);
		}
	}

}
