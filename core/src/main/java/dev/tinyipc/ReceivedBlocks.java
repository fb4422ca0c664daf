package dev.tinyipc;

import java.io.Closeable;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

/**
 * The blocks of a peer that the messages of a lane have referred to. They stay mapped for
 * the next message. A block is known again by its file, which exists as long as it is
 * mapped.
 */
final class ReceivedBlocks implements IdleBlocks.Holder {

	/** Least recently used first. */
	private final List<Known> known = new ArrayList<>();

	/** Messages with views of blocks that are not closed. */
	private final Set<Message> unread = new LinkedHashSet<>();

	private boolean closed;

	/** Begins to read the blocks of one message. Until that is closed, they stay. */
	Message begin(int limit) {
		return new Message(limit);
	}

	/** The numbers of the requests whose replies are being read, with spaces. */
	synchronized String unreadReplies() {
		return this.unread.isEmpty() ? ""
				: this.unread.stream()
					.map((message) -> Long.toUnsignedString(message.request))
					.distinct()
					.collect(Collectors.joining(" "));
	}

	private synchronized Known use(OwnedFd descriptor, DescriptorStatus file, int limit) throws IpcException {
		Known block = find(file);
		if (block == null) {
			block = add(descriptor, file, limit);
		}
		block.readers++;
		return block;
	}

	private @Nullable Known find(DescriptorStatus file) {
		for (Iterator<Known> all = this.known.iterator(); all.hasNext();) {
			Known next = all.next();
			if (next.isOf(file)) {
				all.remove();
				this.known.add(next);
				return next;
			}
		}
		return null;
	}

	private Known add(OwnedFd descriptor, DescriptorStatus file, int limit) throws IpcException {
		if (this.closed) {
			throw new IpcException("The socket was closed while a message was read");
		}
		long unread = this.known.stream().filter(Known::isInUse).mapToLong(Known::size).sum();
		if (unread + file.size() > limit) {
			throw new IpcException("this message and others that are still being read have more than " + limit
					+ " bytes in blocks: close messages once they were read, or raise the limit for blocks");
		}
		Known added = new Known(file, map(descriptor, file));
		this.known.add(added);
		IdleBlocks.watch(this);
		shrink(limit);
		return added;
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

	/** Frees the oldest ones of those that nobody reads. The newest one stays. */
	private void shrink(int limit) {
		long size = size();
		for (int i = 0; i < this.known.size() - 1 && (size > limit || this.known.size() > SharedBlocks.MAX_BLOCKS);) {
			Known oldest = this.known.get(i);
			if (oldest.isInUse()) {
				i++;
			}
			else {
				this.known.remove(i);
				size -= oldest.size();
				oldest.memory.free();
			}
		}
	}

	private synchronized void end(Collection<Known> blocks) {
		for (Known block : blocks) {
			block.readers--;
			block.used = System.nanoTime();
		}
		if (this.closed) {
			free((block) -> true);
		}
	}

	@Override
	public synchronized boolean drop(long unusedForNanos) {
		long now = System.nanoTime();
		free((block) -> now - block.used >= unusedForNanos);
		return this.known.isEmpty();
	}

	/** What is being read stays until that has been done. */
	private void free(Predicate<Known> which) {
		this.known.removeIf((block) -> {
			boolean isFreed = !block.isInUse() && which.test(block);
			if (isFreed) {
				block.memory.free();
			}
			return isFreed;
		});
	}

	synchronized void close() {
		this.closed = true;
		free((block) -> true);
		IdleBlocks.forget(this);
	}

	/** The bytes that are mapped, for tests. */
	synchronized long size() {
		return this.known.stream().mapToLong(Known::size).sum();
	}

	/** A block that is mapped. */
	private static final class Known {

		private final DescriptorStatus file;

		private final MappedBlock memory;

		private long used = System.nanoTime();

		/** How many messages that are still being read refer to it. */
		private int readers;

		Known(DescriptorStatus file, MappedBlock memory) {
			this.file = file;
			this.memory = memory;
		}

		boolean isInUse() {
			return this.readers > 0;
		}

		long size() {
			return this.memory.size();
		}

		boolean isOf(DescriptorStatus other) {
			return other.inode() == this.file.inode() && other.device() == this.file.device()
					&& other.size() == this.file.size();
		}

	}

	/** The blocks of one message. */
	final class Message implements Closeable {

		/** By the index of their descriptor. */
		private final Map<Integer, Known> blocks = new HashMap<>();

		private final int limit;

		private long blockBytes;

		private long referredBytes;

		private boolean hasViews;

		private long request;

		private boolean ended;

		private Runnable whenRead = () -> {
		};

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
			MappedBlock memory = block(descriptors, block).memory;
			if (offset < 0 || length < 1 || length > memory.size() || offset > memory.size() - length) {
				throw new IpcException("it refers to " + Long.toUnsignedString(length) + " bytes at "
						+ Long.toUnsignedString(offset) + " of a block of " + memory.size());
			}
			this.referredBytes += length;
			checkLimit(this.referredBytes);
			return memory.bytes().slice((int) offset, (int) length).asReadOnlyBuffer();
		}

		private Known block(List<OwnedFd> descriptors, long index) throws IpcException {
			if (index < 0 || index >= descriptors.size()) {
				throw new IpcException("it refers to descriptor " + Long.toUnsignedString(index)
						+ " of a message that has " + descriptors.size());
			}
			Known known = this.blocks.get((int) index);
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
			Known block = use(descriptor, file, this.limit);
			this.blocks.put((int) index, block);
			return block;
		}

		private void checkLimit(long bytes) throws IpcException {
			if (bytes > this.limit) {
				throw new IpcException("this message has more than " + this.limit
						+ " bytes in blocks, or refers to more: raise the limit for blocks");
			}
		}

		/** Called when the reader was given a part of a block, and not a copy of it. */
		void viewed() {
			this.hasViews = true;
		}

		/** Says that this is the reply to a request, or part of it. */
		void belongsTo(long request) {
			synchronized (ReceivedBlocks.this) {
				this.request = request;
				if (this.hasViews && !this.ended) {
					ReceivedBlocks.this.unread.add(this);
				}
			}
		}

		boolean hasViews() {
			return this.hasViews;
		}

		boolean isRead() {
			synchronized (ReceivedBlocks.this) {
				return this.ended;
			}
		}

		/** Sets what is done once the message was read, at once if that is so already. */
		void whenRead(Runnable action) {
			synchronized (ReceivedBlocks.this) {
				if (!this.ended) {
					this.whenRead = action;
					return;
				}
			}
			action.run();
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
				if (this.ended) {
					return;
				}
				this.ended = true;
				ReceivedBlocks.this.unread.remove(this);
				end(this.blocks.values());
			}
			this.whenRead.run();
		}

	}

}
