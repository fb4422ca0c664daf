package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.function.Consumer;

import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What a child writes, line by line. A line is UTF-8, with what is not replaced; one that
 * does not end within 64 KiB is cut and marked, so that no child can fill the heap.
 */
final class ChildOutput implements ChildWatcher.Watched {

	private static final Logger logger = LoggerFactory.getLogger(ChildOutput.class);

	static final int MAX_LINE_LENGTH = 64 * 1024;

	static final String CUT_MARK = " … (cut: the line is longer than 64 KiB)";

	private static final int READ_SIZE = 64 * 1024;

	private final OwnedFd pipe;

	private final Consumer<String> lines;

	private final NativeBuffer block = NativeBuffer.allocate(READ_SIZE);

	private byte[] line = new byte[256];

	private int length;

	/** Whether the rest of the line is thrown away. */
	private boolean cut;

	ChildOutput(OwnedFd pipe, Consumer<String> lines) {
		this.pipe = pipe;
		this.lines = lines;
	}

	@Override
	public OwnedFd descriptor() {
		return this.pipe;
	}

	@Override
	public boolean serve() throws IpcException {
		int fd = this.pipe.borrow();
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
		return count <= 0;
	}

	/**
	 * Takes what has been written so far, by a child that has ended: a pipe holds 64 KiB,
	 * and what others write who hold it open can wait. Its last line ends with it, also
	 * if they do: one of them may be this process, which is just closing its copy.
	 */
	void drain() throws IpcException {
		boolean ended = false;
		for (int i = 0; i < 2 && !ended && isReadable(); i++) {
			ended = serve();
		}
		endLastLine();
	}

	private boolean isReadable() throws IpcException {
		int fd = this.pipe.borrowUnlessClosed();
		if (fd < 0) {
			return false;
		}
		try {
			return Poll.await(fd, LibC.POLLIN, System.nanoTime());
		}
		finally {
			this.pipe.giveBack();
		}
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
			tell(text() + CUT_MARK);
		}
	}

	private void endLine() {
		boolean told = this.cut;
		String text = told ? "" : text();
		this.length = 0;
		this.cut = false;
		if (!told) {
			tell(text);
		}
	}

	/** Whatever happens to a line, the child and the other children go on. */
	private void tell(String line) {
		try {
			this.lines.accept(line);
		}
		catch (RuntimeException | Error ex) {
			logger.error("A line of a child's output was lost", ex);
		}
	}

	private String text() {
		int end = (this.length > 0 && this.line[this.length - 1] == '\r') ? this.length - 1 : this.length;
		return new String(this.line, 0, end, StandardCharsets.UTF_8);
	}

	@Override
	public void finish() {
		this.pipe.close();
		endLastLine();
	}

	private void endLastLine() {
		if (this.length > 0) {
			endLine();
		}
	}

}
