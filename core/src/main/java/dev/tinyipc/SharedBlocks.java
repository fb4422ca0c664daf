package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.Set;
import java.util.function.Predicate;

import org.jspecify.annotations.Nullable;

/**
 * Memory that bulk data goes through, instead of through a socket: byte arrays from
 * {@value #THRESHOLD} bytes, wherever they are in a payload. Both ends keep it mapped,
 * and use it for one message after the other, so that such an array is copied once by
 * each, and not by the kernel. See docs/wire-format.md, "Shared blocks".
 *
 * <p>
 * Whoever receives a {@link ByteBuffer} instead of a {@code byte[]}, as a payload or in
 * it, gets the memory itself, read-only, if the data came in a block and the mapper is
 * one of {@link IpcChannel#mapperBuilder()}: a handler until it has answered, and whoever
 * has asked until the {@link IpcMessage} of the reply, or of the element of a stream, is
 * closed. After that, the buffer has other content. Close messages soon: until then, the
 * peer cannot use their blocks again, and once all are in use, it sends data in the
 * message. Whoever needs the data for longer takes a {@link #copy}, or asks for
 * {@linkplain Exchange#copied() copies}. A peer that is broken or hostile may change the
 * content even while it is read, so take a copy of what must not change between two looks
 * at it. All else that is received is a private copy from the start.
 */
public final class SharedBlocks implements IdleBlocks.Holder {

	/** Smaller data is sent in the message, which costs less. */
	static final int THRESHOLD = 256 * 1024;

	/** In one message, and in all that the peer may be reading. */
	static final int MAX_BLOCKS = 64;

	private static final int PAGE = 4096;

	/** Most recently used first: that one may still be in the cache. */
	private final Deque<BlockFile> unused = new ArrayDeque<>();

	/** What the peer may be reading. */
	private final List<Lent> lent = new ArrayList<>();

	private boolean closed;

	SharedBlocks() {
	}

	/**
	 * Copies what is in memory that both ends share.
	 * @param buffer stays as it is
	 * @return a buffer of its own, with the content between position and limit
	 */
	public static ByteBuffer copy(ByteBuffer buffer) {
		return ByteBuffer.allocate(buffer.remaining()).put(buffer.duplicate()).flip();
	}

	/** Begins to fill blocks for a message. */
	Filled fill(BlockLending lending) {
		return new Filled(lending);
	}

	/** Whether the peer may be reading elements of a reply. */
	synchronized boolean hasLentElements(long request) {
		return this.lent.stream().anyMatch((each) -> each.number == request && each.element > 0);
	}

	/** What was sent with requests that were answered. */
	void answered(long number) {
		giveBack((lent) -> lent.number <= number);
	}

	/** What was sent with replies, except for some. */
	void repliesAreRead(Set<Long> unread) {
		giveBack((lent) -> !unread.contains(lent.number));
	}

	/** What was sent with the first messages with elements of a reply. */
	void elementsAreRead(long request, int count) {
		giveBack((lent) -> lent.number == request && lent.element > 0 && lent.element <= count);
	}

	/** Lets blocks be used again that the peer no longer reads. */
	private synchronized void giveBack(Predicate<Lent> areRead) {
		for (Iterator<Lent> all = this.lent.iterator(); all.hasNext();) {
			Lent next = all.next();
			if (areRead.test(next)) {
				all.remove();
				keep(next.files);
			}
		}
	}

	private void keep(List<BlockFile> files) {
		for (BlockFile file : files) {
			if (this.closed) {
				file.close();
			}
			else {
				file.touch();
				this.unused.addFirst(file);
			}
		}
	}

	/**
	 * Takes a block that exists.
	 * @param size exactly what it has to have
	 * @param limit of all blocks that there may be besides those of the same message
	 * @return null if there is none
	 */
	private synchronized @Nullable BlockFile takeUnused(int size, long limit) {
		if (!hasRoom(size, limit)) {
			return null;
		}
		for (Iterator<BlockFile> all = this.unused.iterator(); all.hasNext();) {
			BlockFile file = all.next();
			if (file.size() == size) {
				all.remove();
				return file;
			}
		}
		return null;
	}

	/** The same, but makes a block. */
	private synchronized @Nullable BlockFile create(int size, long limit) {
		if (this.closed || !hasRoom(size, limit)) {
			return null;
		}
		shrink(limit - size - lentSize());
		try {
			BlockFile file = BlockFile.create(size);
			IdleBlocks.watch(this);
			return file;
		}
		catch (IpcException ex) {
			return null; // then the data is sent as it always was
		}
	}

	/** A peer keeps no more maps than this. */
	private boolean hasRoom(int size, long limit) {
		return lentSize() + size <= limit
				&& this.lent.stream().mapToInt((each) -> each.files.size()).sum() < MAX_BLOCKS;
	}

	private long lentSize() {
		long size = 0;
		for (Lent each : this.lent) {
			size += size(each.files);
		}
		return size;
	}

	private static long size(Collection<BlockFile> files) {
		return files.stream().mapToLong(BlockFile::size).sum();
	}

	/** Gives unused blocks back until no more than so many bytes are left. */
	private void shrink(long most) {
		long left = size(this.unused);
		while (left > most) {
			BlockFile oldest = this.unused.removeLast();
			left -= oldest.size();
			oldest.close();
		}
	}

	/** Called once the peer may read them. */
	private synchronized void lend(List<BlockFile> files, BlockLending lending) {
		if (this.closed) {
			keep(files);
		}
		else {
			this.lent.add(new Lent(lending.number(), lending.element(), List.copyOf(files)));
		}
	}

	/** The size of a block for some data: few different ones, so that it fits again. */
	static int sizeOf(int length) {
		int unit = Math.max(PAGE, Integer.highestOneBit(length) / 8);
		long size = ((long) length + unit - 1) / unit * unit;
		return (int) Math.min(size, Integer.MAX_VALUE - PAGE + 1);
	}

	@Override
	public synchronized boolean drop(long unusedForNanos) {
		this.unused.removeIf((file) -> {
			boolean old = file.isUnusedFor(unusedForNanos);
			if (old) {
				file.close();
			}
			return old;
		});
		return this.unused.isEmpty() && this.lent.isEmpty();
	}

	/** The bytes of all blocks, for tests. */
	synchronized long size() {
		return size(this.unused) + lentSize();
	}

	/** The peer keeps what it reads for as long as it does. */
	synchronized void close() {
		this.closed = true;
		this.unused.forEach(BlockFile::close);
		this.unused.clear();
		this.lent.forEach((each) -> each.files.forEach(BlockFile::close));
		this.lent.clear();
		IdleBlocks.forget(this);
	}

	private record Lent(long number, int element, List<BlockFile> files) {
	}

	/** The blocks of one message that is being written. */
	final class Filled implements AutoCloseable {

		private final List<BlockFile> files = new ArrayList<>();

		private final List<ByteBuffer> contents = new ArrayList<>();

		private final BlockLending lending;

		private long left;

		/** The size of data for which there was no block. */
		private long inMessage;

		private Filled(BlockLending lending) {
			this.lending = lending;
			this.left = lending.maxSize();
		}

		/**
		 * Prepares a block for data.
		 * @param maxBlocks how many the message may have
		 * @return to be filled; null if there is no room for it
		 */
		@Nullable ByteBuffer prepare(int length, int maxBlocks) {
			int usual = sizeOf(length);
			// The same data always goes the same way, whatever was sent before.
			long size = (usual <= this.left) ? usual : ((long) length + PAGE - 1) / PAGE * PAGE;
			BlockFile file = (size <= this.left && this.files.size() < Math.min(maxBlocks, MAX_BLOCKS))
					? take((int) size, this.inMessage + length) : null;
			if (file == null) {
				this.inMessage += length;
				return null;
			}
			this.files.add(file);
			this.left -= size;
			ByteBuffer content = file.bytes().slice(0, length);
			this.contents.add(content.asReadOnlyBuffer());
			return content;
		}

		private @Nullable BlockFile take(int size, long otherwiseInMessage) {
			BlockFile file = takeUnused(size, this.left);
			if (file != null) {
				return file;
			}
			this.lending.lookForReads();
			file = takeOrCreate(size);
			while (file == null && this.lending.awaitReads(otherwiseInMessage)) {
				file = takeOrCreate(size);
			}
			return (file != null) ? file : takeOrCreate(size); // read at the last moment
		}

		private @Nullable BlockFile takeOrCreate(int size) {
			BlockFile file = takeUnused(size, this.left);
			return (file != null) ? file : create(size, this.left);
		}

		int count() {
			return this.files.size();
		}

		/** What was put, read-only. */
		List<ByteBuffer> contents() {
			return this.contents;
		}

		/** Those of the application, and then those of the blocks. */
		OwnedFd[] descriptors(OwnedFd[] own) {
			if (this.files.isEmpty()) {
				return own;
			}
			OwnedFd[] all = new OwnedFd[own.length + this.files.size()];
			System.arraycopy(own, 0, all, 0, own.length);
			for (int i = 0; i < this.files.size(); i++) {
				all[own.length + i] = this.files.get(i).descriptor();
			}
			return all;
		}

		/** Called before the message is sent, because the peer may answer at once. */
		void lend() {
			if (!this.files.isEmpty()) {
				SharedBlocks.this.lend(this.files, this.lending);
				this.files.clear();
			}
		}

		/** Blocks that were not lent can be used again. */
		@Override
		public void close() {
			synchronized (SharedBlocks.this) {
				keep(this.files);
			}
			this.files.clear();
		}

	}

}
