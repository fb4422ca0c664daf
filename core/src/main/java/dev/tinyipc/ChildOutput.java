package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

/**
 * Reads what a child writes, line by line. A line is UTF-8, with malformed bytes
 * replaced. One of more than 64 KiB is cut and marked, so that no child can fill the
 * heap.
 */
final class ChildOutput implements ChildWatcher.Watched {

	static final int MAX_LINE_LENGTH = 64 * 1024;

	static final String CUT_MARK = " … (cut: the line is longer than 64 KiB)";

	/** Not larger, because it may consist of empty lines, each of which is an object. */
	private static final int READ_SIZE = 8 * 1024;

	/** A pipe holds 64 KiB. */
	private static final int READS_AT_ONCE = 8;

	private final OwnedFd pipe;

	private final Consumer<String> consumer;

	private final ChildLines lines;

	private final NativeBuffer block = NativeBuffer.allocate(READ_SIZE);

	private byte[] line = new byte[256];

	private int length;

	/** Whether the rest of the line is dropped. */
	private boolean cut;

	private long closingTime;

	/** Whether the child has ended. Another thread may set it, after the closing time. */
	private volatile boolean ended;

	private int readsSinceEnd;

	/**
	 * Creates a reader.
	 * @param pipe the read end of a pipe, which nobody else has: so it can be
	 * non-blocking, and a child that reads its own output back cannot block the reader
	 */
	ChildOutput(OwnedFd pipe, Consumer<String> consumer, ChildLines lines) throws IpcException {
		this.pipe = pipe;
		this.consumer = consumer;
		this.lines = lines;
		setNonBlocking(pipe);
	}

	private static void setNonBlocking(OwnedFd pipe) throws IpcException {
		int fd = pipe.borrow();
		try {
			Errno.check("fcntl(F_SETFL)", LibC.fcntl(fd, LibC.F_SETFL, LibC.O_NONBLOCK));
		}
		finally {
			pipe.giveBack();
		}
	}

	@Override
	public OwnedFd descriptor() {
		return this.pipe;
	}

	@Override
	public Next serve() {
		for (int i = 0; i < READS_AT_ONCE && this.lines.hasRoom(); i++) {
			long count = read();
			if (count <= 0) {
				return (count < 0 && Errno.last() == Errno.EAGAIN.number) ? Next.WATCH : Next.CLOSE;
			}
		}
		return this.lines.hasRoom() ? Next.WATCH : Next.REST;
	}

	@Override
	public Next look(long now) {
		if (this.ended && now - this.closingTime >= 0) {
			return Next.CLOSE;
		}
		this.lines.look(now);
		return this.lines.hasRoom() ? Next.WATCH : Next.REST;
	}

	private long read() {
		int fd = this.pipe.borrowUnlessClosed();
		if (fd < 0) {
			return 0;
		}
		long count;
		try {
			do {
				count = LibC.read(fd, this.block.address(), READ_SIZE);
			}
			while (count < 0 && Errno.interrupted());
		}
		finally {
			this.pipe.giveBack();
		}
		ByteBuffer bytes = this.block.bytes();
		for (int i = 0; i < count; i++) {
			add(bytes.get(i));
		}
		return count;
	}

	/**
	 * Called when the child has ended. Other processes may hold the pipe open for ever.
	 * @param closingTime until when their output is read
	 */
	void end(long closingTime) {
		this.closingTime = closingTime;
		this.ended = true;
	}

	/**
	 * Reads what is left after the child's end: no more than a pipe can hold.
	 * @return false if there is more, but no room for it
	 */
	boolean drain() {
		while (this.readsSinceEnd < 2 * READS_AT_ONCE) {
			if (!this.lines.hasRoom()) {
				return false;
			}
			this.readsSinceEnd = (read() > 0) ? this.readsSinceEnd + 1 : Integer.MAX_VALUE;
		}
		// Even if the pipe is still open: in this process, which is just closing its
		// copy, or in a grandchild.
		endLastLine();
		return true;
	}

	private void add(byte value) {
		if (value == '\n') {
			endLine();
		}
		else if (this.length < MAX_LINE_LENGTH) {
			if (this.length == this.line.length) {
				this.line = Arrays.copyOf(this.line, Math.min(MAX_LINE_LENGTH, 4 * this.length));
			}
			this.line[this.length++] = value;
		}
		else if (!this.cut) {
			this.cut = true;
			this.lines.add(this.consumer, text() + CUT_MARK);
		}
	}

	private void endLine() {
		boolean told = this.cut;
		String text = told ? "" : text();
		this.length = 0;
		this.cut = false;
		if (!told) {
			this.lines.add(this.consumer, text);
		}
	}

	private String text() {
		int end = (this.length > 0 && this.line[this.length - 1] == '\r') ? this.length - 1 : this.length;
		return new String(this.line, 0, end, StandardCharsets.UTF_8);
	}

	@Override
	public void close() {
		this.pipe.close();
		endLastLine();
	}

	private void endLastLine() {
		if (this.length > 0) {
			endLine();
		}
	}

}
