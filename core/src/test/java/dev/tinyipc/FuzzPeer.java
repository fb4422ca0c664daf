package dev.tinyipc;

import java.io.Closeable;
import java.io.IOException;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Set;

import ch.qos.logback.classic.Logger;
import ch.qos.logback.classic.spi.ILoggingEvent;
import ch.qos.logback.core.read.ListAppender;
import org.slf4j.LoggerFactory;

/**
 * What the fuzz targets have in common: a peer that sends anything, and a look at what is
 * open afterwards, cheap enough for every input.
 */
final class FuzzPeer implements Closeable {

	private static final int POLLNVAL = 0x20;

	private static final int POLLFD_SIZE = 8;

	private static final int DESCRIPTORS = 1024;

	/** No close may fail: that would be a number that was not ours. */
	private static final ListAppender<ILoggingEvent> warnings = new ListAppender<>();

	static {
		warnings.start();
		((Logger) LoggerFactory.getLogger(OwnedFd.class)).addAppender(warnings);
	}

	private static final NativeBuffer table = table();

	private static final MsgHdr header = MsgHdr.create();

	private static final NativeBuffer payload = NativeBuffer.zeroed(64 * 1024);

	private final IpcSocketPair pair;

	private final BitSet openBefore;

	private final Set<String> heldBefore;

	private static Set<String> lastHeld = Set.of();

	private static BitSet lastOpen = new BitSet();

	private FuzzPeer(IpcSocketPair pair, BitSet openBefore, Set<String> heldBefore) {
		this.pair = pair;
		this.openBefore = openBefore;
		this.heldBefore = heldBefore;
	}

	static FuzzPeer open() throws IOException {
		BitSet open = openDescriptors();
		if (!open.equals(lastOpen)) { // the JVM opens something now and then
			lastOpen = open;
			lastHeld = LeakCheck.held();
		}
		return new FuzzPeer(IpcSocket.pair(), open, lastHeld);
	}

	/** The side under test. */
	IpcSocket receiver() {
		return this.pair.child();
	}

	/** The side that sends. */
	IpcSocket sender() {
		return this.pair.parent();
	}

	/**
	 * Sends one packet as it is.
	 * @return false if there was no room for it
	 */
	boolean send(byte[] packet, int... descriptors) {
		payload.bytes().put(0, packet);
		header.gather(payload.address(), packet.length);
		if (descriptors.length > 0) {
			header.attach(descriptors);
		}
		int flags = LibC.MSG_NOSIGNAL | LibC.MSG_DONTWAIT;
		return LibC.sendmsg(this.pair.parent().fd(), header.address(), flags) >= 0;
	}

	/** Fails if anything is open that was not before. */
	@Override
	public void close() throws IOException {
		this.pair.close();
		if (!warnings.list.isEmpty()) {
			String message = warnings.list.remove(0).getFormattedMessage();
			warnings.list.clear();
			throw new AssertionError(message);
		}
		if (!openDescriptors().equals(this.openBefore)) {
			Set<String> held = LeakCheck.held();
			held.removeAll(this.heldBefore);
			if (!held.isEmpty()) {
				throw new AssertionError("Left open: " + held);
			}
		}
	}

	private static NativeBuffer table() {
		NativeBuffer buffer = NativeBuffer.zeroed(DESCRIPTORS * POLLFD_SIZE);
		for (int fd = 0; fd < DESCRIPTORS; fd++) {
			buffer.bytes().putInt(fd * POLLFD_SIZE, fd);
		}
		return buffer;
	}

	/** In one system call: {@code poll} tells which are not open. */
	static BitSet openDescriptors() throws IpcException {
		Errno.check("poll", LibC.poll(table.address(), DESCRIPTORS, 0));
		BitSet open = new BitSet();
		for (int fd = 0; fd < DESCRIPTORS; fd++) {
			open.set(fd, (table.bytes().getShort(fd * POLLFD_SIZE + 6) & POLLNVAL) == 0);
		}
		return open;
	}

	/** The bytes of an input in order, followed by zeros. */
	static final class Script {

		private final byte[] bytes;

		private int next;

		Script(byte[] bytes) {
			this.bytes = bytes;
		}

		boolean hasMore() {
			return this.next < this.bytes.length;
		}

		int next() {
			return hasMore() ? Byte.toUnsignedInt(this.bytes[this.next++]) : 0;
		}

		byte[] next(int count) {
			byte[] part = Arrays.copyOfRange(this.bytes, Math.min(this.next, this.bytes.length),
					Math.min(this.next, this.bytes.length) + count);
			this.next += count;
			return part;
		}

	}

}
