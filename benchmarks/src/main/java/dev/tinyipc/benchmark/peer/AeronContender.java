package dev.tinyipc.benchmark.peer;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.benchmark.Contender;
import dev.tinyipc.benchmark.Order;
import io.aeron.driver.MediaDriver;
import io.aeron.driver.ThreadingMode;
import org.agrona.concurrent.SleepingMillisIdleStrategy;
import org.agrona.concurrent.UnsafeBuffer;

/**
 * Aeron IPC: a media driver in the parent, and a stream of messages in each direction.
 * While messages come, both ends ask for them without a break.
 */
public final class AeronContender implements Contender {

	/** What Aeron's buffers need of a JVM. */
	private static final String OPENS = "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED";

	private static final Path SHARED_MEMORY = Path.of("/dev/shm");

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		if (!work.equals("roundtrip") && !work.equals("oneway")) {
			throw new CannotException("bytes only");
		}
		return PeerSession.prepare((kind) -> start(kind, parameters.get(0)), work, parameters);
	}

	private static Peer.Link start(Kind kind, String size) throws IOException {
		Path parent = Files.isWritable(SHARED_MEMORY) ? SHARED_MEMORY : Path.of(System.getProperty("java.io.tmpdir"));
		String folder = Files.createTempDirectory(parent, "tiny-ipc-aeron").toString();
		MediaDriver driver = MediaDriver.launch(new MediaDriver.Context().aeronDirectoryName(folder)
			.dirDeleteOnStart(true)
			.dirDeleteOnShutdown(true)
			.threadingMode(ThreadingMode.SHARED)
			// Messages do not pass it, and it must not take the processor from those who
			// send.
			.sharedIdleStrategy(new SleepingMillisIdleStrategy(1)));
		ChildJvm child = ChildJvm.start(List.of(OPENS), AeronChild.class, kind, folder, size);
		return new AeronLink(driver, AeronEnd.parent(folder), child);
	}

	private record AeronLink(MediaDriver driver, AeronEnd end, ChildJvm child) implements Peer.Link {

		@Override
		public Dialogue bytes(byte[] content) {
			UnsafeBuffer request = new UnsafeBuffer(content);
			return new Dialogue() {

				@Override
				public void exchange() {
					AeronLink.this.end.send(request, content.length);
					AeronLink.this.end.receive();
				}

				@Override
				public Object reply() {
					byte[] reply = new byte[content.length];
					AeronLink.this.end.received().getBytes(0, reply);
					return reply;
				}

			};
		}

		@Override
		public Flood flood(byte[] content) {
			UnsafeBuffer message = new UnsafeBuffer(content.clone());
			UnsafeBuffer last = new UnsafeBuffer(content.clone());
			last.putByte(0, (byte) 1);
			return new Flood() {

				@Override
				public void send() {
					AeronLink.this.end.send(message, content.length);
				}

				@Override
				public long sendLast() {
					AeronLink.this.end.send(last, content.length);
					return AeronLink.this.end.receive().getLong(0);
				}

			};
		}

		@Override
		public Dialogue order(Order order) {
			throw new IllegalStateException("bytes only");
		}

		@Override
		public Dialogue orders(List<Order> orders) {
			throw new IllegalStateException("bytes only");
		}

		@Override
		public void close() throws Exception {
			this.child.close();
			this.end.close();
			this.driver.close();
		}

	}

}
