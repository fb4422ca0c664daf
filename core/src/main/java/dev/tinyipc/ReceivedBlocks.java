package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

/**
 * The blocks of a peer that the messages of a lane have referred to. They stay mapped for
 * the next message. A block is known again by its file, which exists as long as it is
 * mapped.
 */
final class ReceivedBlocks implements IdleBlocks.Holder {

	/** Least recently used first. */
	private final List<Known> known = new ArrayList<>();

	private int readers;

	private boolean closed;

	/** Begins to read the blocks of one message. Until that is closed, they stay. */
	synchronized Message begin(int limit) {
		this.readers++;
		return new Message(limit);
	}

	private synchronized MappedBlock find(OwnedFd descriptor, DescriptorStatus file, int limit) throws IpcException {
		for (Iterator<Known> all = this.known.iterator(); all.hasNext();) {
			Known next = all.next();
			if (next.isOf(file)) {
				all.remove();
				next.used = System.nanoTime();
				next.isInUse = true;
				this.known.add(next);
				return next.memory;
			}
		}
		if (this.closed) {
			throw new IpcException("The socket was closed while a message was read");
		}
		Known added = new Known(file, map(descriptor, file));
		this.known.add(added);
		IdleBlocks.watch(this);
		shrink(limit);
		return added.memory;
	}

	private static MappedBlock map(OwnedFd descriptor, DescriptorStatus file) throws IpcException {
		int fd = descriptor.borrow();
		try {
			if (!SharedMemory.isSizeSealed(LibC.fcntl(fd, LibC.F_GET_SEALS, 0))) {
				throw new IpcException("it is not sealed against shrinking, growing and further seals");
			}
			return MappedBlock.toRead(fd, (int) file.size());
		}
		finally {
			descriptor.giveBack();
		}
	}

	/** Those that are being read are never the oldest ones. */
	private void shrink(int limit) {
		long size = size();
		while ((size > limit || this.known.size() > SharedBlocks.MAX_BLOCKS) && !this.known.get(0).isInUse) {
			MappedBlock oldest = this.known.remove(0).memory;
			size -= oldest.size();
			oldest.free();
		}
	}

	private synchronized void end() {
		this.readers--;
		if (this.readers == 0) {
			this.known.forEach((each) -> each.isInUse = false);
			if (this.closed) {
				freeAll();
			}
		}
	}

	@Override
	public synchronized boolean drop(long unusedForNanos) {
		if (this.readers == 0) {
			this.known.removeIf((each) -> {
				boolean old = System.nanoTime() - each.used >= unusedForNanos;
				if (old) {
					each.memory.free();
				}
				return old;
			});
		}
		return this.known.isEmpty();
	}

	private void freeAll() {
		this.known.forEach((each) -> each.memory.free());
		this.known.clear();
		IdleBlocks.forget(this);
	}

	/** What is being read stays until that has been done. */
	synchronized void close() {
		this.closed = true;
		if (this.readers == 0) {
			freeAll();
		}
	}

	/** The bytes that are mapped, for tests. */
	synchronized long size() {
		return this.known.stream().mapToLong((each) -> each.memory.size()).sum();
	}

	/** A block that is mapped. */
	private static final class Known {

		private final DescriptorStatus file;

		private final MappedBlock memory;

		private long used = System.nanoTime();

		/** Whether a message that is still being read may refer to it. */
		private boolean isInUse = true;

		Known(DescriptorStatus file, MappedBlock memory) {
			this.file = file;
			this.memory = memory;
		}

		boolean isOf(DescriptorStatus other) {
			return other.inode() == this.file.inode() && other.device() == this.file.device()
					&& other.size() == this.file.size();
		}

	}

	/** The blocks of one message. */
	final class Message implements Closeable {

		/** By the index of their descriptor. */
		private final Map<Integer, MappedBlock> blocks = new HashMap<>();

		private final int limit;

		private long blockBytes;

		private long referredBytes;

		private boolean ended;

		private Message(int limit) {
			this.limit = limit;
		}

		/**
		 * Finds the data of a reference.
		 * @param descriptors those of the message
		 * @return a read-only view
		 * @throws IpcException what is wrong with the reference, as the end of a sentence
		 */
		ByteBuffer at(List<OwnedFd> descriptors, long block, long offset, long length) throws IpcException {
			MappedBlock memory = block(descriptors, block);
			if (offset < 0 || length < 1 || length > memory.size() || offset > memory.size() - length) {
				throw new IpcException("it refers to " + Long.toUnsignedString(length) + " bytes at "
						+ Long.toUnsignedString(offset) + " of a block of " + memory.size());
			}
			this.referredBytes += length;
			checkLimit(this.referredBytes);
			return memory.bytes().slice((int) offset, (int) length).asReadOnlyBuffer();
		}

		private MappedBlock block(List<OwnedFd> descriptors, long index) throws IpcException {
			if (index < 0 || index >= descriptors.size()) {
				throw new IpcException("it refers to descriptor " + Long.toUnsignedString(index)
						+ " of a message that has " + descriptors.size());
			}
			MappedBlock known = this.blocks.get((int) index);
			if (known != null) {
				return known;
			}
			OwnedFd descriptor = descriptors.get((int) index);
			DescriptorStatus file = DescriptorStatus.of(descriptor);
			if (!BlockFile.isOneAs(file)) {
				throw new IpcException("it refers to " + file.kind().description() + ", not to memory of this kind");
			}
			if (this.blocks.size() == SharedBlocks.MAX_BLOCKS) {
				throw new IpcException("it is to one block more than the " + SharedBlocks.MAX_BLOCKS + " of a message");
			}
			checkLimit(file.size());
			this.blockBytes += file.size();
			checkLimit(this.blockBytes);
			MappedBlock memory = find(descriptor, file, this.limit);
			this.blocks.put((int) index, memory);
			return memory;
		}

		private void checkLimit(long bytes) throws IpcException {
			if (bytes > this.limit) {
				throw new IpcException("this message has more than " + this.limit
						+ " bytes in blocks, or refers to more: raise the limit for blocks");
			}
		}

		/** Closes the descriptors of the blocks, and returns all others. */
		List<OwnedFd> others(List<OwnedFd> descriptors) {
			if (this.blocks.isEmpty()) {
				return descriptors;
			}
			List<OwnedFd> others = new ArrayList<>();
			for (int i = 0; i < descriptors.size(); i++) {
				if (this.blocks.containsKey(i)) {
					descriptors.get(i).close();
				}
				else {
					others.add(descriptors.get(i));
				}
			}
			return List.copyOf(others);
		}

		/** Ends the reading, more than once if need be. */
		@Override
		public void close() {
			synchronized (ReceivedBlocks.this) {
				if (!this.ended) {
					this.ended = true;
					end();
				}
			}
		}

	}

}
