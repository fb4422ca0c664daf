package dev.tinyipc.spring.test;

import java.io.Closeable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.IpcSocketPair;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.spring.IpcSocketFactory;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Records what an application asks its child processes, and what they answer, to be
 * replayed by {@link TestIpcChild#replaying} where the processes cannot run. As a bean,
 * it records the children of its application, and writes its file when that is closed.
 *
 * <pre class="code">
 * &#64;Bean
 * IpcRecording recording() {
 *     return IpcRecording.to(Path.of("src/test/resources/thumbnails.json"));
 * }
 * </pre>
 *
 * The contents of files and memory that come with answers are recorded, too. An exchange
 * whose answer brings another kind of descriptor, such as a pipe, is left out. Children
 * that are recorded use sockets, also if they could share memory.
 */
public final class IpcRecording implements IpcSocketFactory, Closeable {

	private static final Logger logger = LoggerFactory.getLogger(IpcRecording.class);

	private final Path file;

	private final List<FrameRelay> relays = new ArrayList<>();

	private final List<Recorded.Exchange> exchanges = new ArrayList<>();

	private List<String> hello = List.of();

	private IpcRecording(Path file) {
		this.file = file;
	}

	/**
	 * Begins to record.
	 * @param file is written, or written anew, when the recording is closed
	 * @return the recording
	 */
	public static IpcRecording to(Path file) {
		return new IpcRecording(file);
	}

	@Override
	public synchronized IpcSocketPair createSocketPair() throws IpcException {
		IpcSocketPair outer = IpcSocket.pair();
		FrameRelay relay = new FrameRelay();
		boolean connected = false;
		try {
			IpcSocketPair inner = IpcSocket.pair();
			relay.connect(outer.child(), inner.parent(), new Tap());
			this.relays.add(relay);
			connected = true;
			return new IpcSocketPair(outer.parent(), inner.child());
		}
		finally {
			if (!connected) {
				outer.close();
			}
		}
	}

	private synchronized void greeted(byte[] body) {
		this.hello = Recorded.packets(body);
	}

	private synchronized void ended(Recorded.Exchange exchange) {
		this.exchanges.add(exchange);
	}

	/** Writes the file. */
	@Override
	public synchronized void close() {
		this.relays.forEach(FrameRelay::close);
		new Recorded(Recorded.VERSION, Recorded.NOTATION, this.hello, List.copyOf(this.exchanges)).write(this.file);
	}

	/** Records one instance. */
	private final class Tap implements FrameRelay.Tap {

		/** The exchanges that are under way, one on each socket. */
		private final Map<FrameRelay.Link, Recorded.Exchange> current = new ConcurrentHashMap<>();

		@Override
		public void request(FrameRelay.Link link, RawFrame frame) throws IpcException {
			byte[] body = frame.body();
			if (!Message.isRemark(body)) {
				Message message = Message.read(body);
				this.current.put(link, new Recorded.Exchange(message.method(), Recorded.packets(message.payload()),
						frame.descriptors().size(), new ArrayList<>()));
			}
			link.passRequest(frame);
		}

		@Override
		public void answer(FrameRelay.Link link, RawFrame frame) throws IpcException {
			byte[] body = frame.body();
			Recorded.Exchange exchange = this.current.get(link);
			if (exchange != null) {
				record(link, exchange, Message.read(body), frame.descriptors());
			}
			else if (Message.isHello(body)) {
				byte[] hello = Message.withoutMemory(body);
				greeted(hello);
				// The frame that has come still owns what came with it.
				link.passAnswer(RawFrame.of(hello, frame.descriptors().toArray(OwnedFd[]::new)));
				return;
			}
			link.passAnswer(frame);
		}

		private void record(FrameRelay.Link link, Recorded.Exchange exchange, Message answer, List<OwnedFd> files)
				throws IpcException {
			boolean recordable = true;
			List<String> contents = new ArrayList<>();
			for (OwnedFd file : files) {
				OwnedFd.Kind kind = file.kind();
				recordable &= kind == OwnedFd.Kind.FILE || kind == OwnedFd.Kind.MEMORY;
				contents.add(recordable ? content(file) : "");
			}
			exchange.answers().add(new Recorded.Answer(Recorded.packets(answer.payload()), contents));
			if (!recordable) {
				logger.warn("An exchange is not recorded, because its answer brings something other than files"
						+ " (method '{}')", exchange.method());
				this.current.remove(link);
			}
			else if (!answer.isElement()) {
				this.current.remove(link);
				ended(exchange);
			}
		}

		/** Read by its path, so that its position stays. */
		private static String content(OwnedFd file) {
			try {
				return HexFormat.of().formatHex(Files.readAllBytes(Path.of("/proc/self/fd/" + file.fd())));
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

	}

}
