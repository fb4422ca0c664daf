package dev.tinyipc;

import java.lang.ref.WeakReference;
import java.nio.ByteBuffer;
import java.nio.ReadOnlyBufferException;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * The arguments of {@code sendmsg(2)} and {@code recvmsg(2)}, in native memory that one
 * direction of a socket reuses: header, control data with descriptors ({@code cmsg(3)},
 * {@code unix(7)}), and the vectors of the payload.
 *
 * <pre>
 * struct msghdr {                   struct iovec {            struct cmsghdr {
 *     void         *msg_name;       // 0     void  *iov_base; // 0     size_t cmsg_len;   // 0
 *     socklen_t     msg_namelen;    // 8     size_t iov_len;  // 8     int    cmsg_level; // 8
 *     struct iovec *msg_iov;        // 16  };        // 16 bytes       int    cmsg_type;  // 12
 *     size_t        msg_iovlen;     // 24                              // data            // 16
 *     void         *msg_control;    // 32                         };
 *     size_t        msg_controllen; // 40
 *     int           msg_flags;      // 48
 * };                                // 56 bytes
 * </pre>
 *
 * Not thread-safe: each direction of a socket guards its own by its lock, and that of a
 * memory lane is used by whoever attends to its {@link DoorBell}.
 */
final class MsgHdr {

	/** {@code SCM_MAX_FD}: one more is EINVAL. */
	static final int MAX_DESCRIPTORS = 253;

	/** {@code UIO_MAXIOV}: one more is EMSGSIZE. */
	static final int MAX_VECTORS = 1024;

	private static final int IOV = 16, IOVLEN = 24, CONTROL = 32, CONTROLLEN = 40, FLAGS = 48, SIZE = 56;

	private static final int VECTOR_SIZE = 16;

	private static final int CMSG_LEVEL = 8, CMSG_TYPE = 12, CMSG_DATA = 16;

	/** In a {@code struct mmsghdr}, of 64 bytes, the header is followed by this. */
	private static final int MSG_LEN = SIZE;

	private static final int MMSGHDR_SIZE = 64;

	/**
	 * Room for as many descriptors as can arrive, and for the credentials, security label
	 * and pidfd that socket options of the receiver may add: without room, the kernel
	 * drops descriptors.
	 */
	private static final int CONTROL_SIZE = cmsgSpace(MAX_DESCRIPTORS * Integer.BYTES) + 512;

	private static final int VECTORS_OFFSET = CONTROL_SIZE;

	private static final int FEW_VECTORS = 8;

	/** Up to this size, a copy costs less than asking JNI for a buffer's address. */
	static final int CHEAP_TO_COPY = 8 * 1024;

	/** A larger block is freed when a small packet comes next. */
	private static final int SCRATCH_TO_KEEP = 1024 * 1024;

	/** This header and the others of its array. */
	private final NativeBuffer headers;

	private final int at;

	/** The control data, followed by the vectors. */
	private NativeBuffer block;

	private NativeBuffer scratch = NativeBuffer.allocate(CHEAP_TO_COPY);

	private int vectors;

	private WeakReference<@Nullable ByteBuffer> lastDirect = new WeakReference<>(null);

	private long lastDirectAddress;

	private MsgHdr(NativeBuffer headers, int at) {
		this.headers = headers;
		this.at = at;
		this.block = blockFor(FEW_VECTORS);
	}

	/** Creates one header, for {@code sendmsg} and {@code recvmsg}. */
	static MsgHdr create() {
		return array(1)[0];
	}

	/**
	 * Creates an array of headers, for {@code sendmmsg} and {@code recvmmsg}, which take
	 * the address of the first.
	 */
	static MsgHdr[] array(int count) {
		NativeBuffer headers = NativeBuffer.zeroed(count * MMSGHDR_SIZE);
		MsgHdr[] array = new MsgHdr[count];
		for (int i = 0; i < count; i++) {
			array[i] = new MsgHdr(headers, i * MMSGHDR_SIZE);
		}
		return array;
	}

	/**
	 * Frees the memory of all headers of one array, which must not be used afterwards.
	 */
	static void free(MsgHdr... array) {
		array[0].headers.free();
		for (MsgHdr header : array) {
			header.block.free();
			header.scratch.free();
		}
	}

	private NativeBuffer blockFor(int vectors) {
		NativeBuffer block = NativeBuffer.zeroed(VECTORS_OFFSET + vectors * VECTOR_SIZE);
		this.headers.bytes()
			.putLong(this.at + IOV, block.address() + VECTORS_OFFSET)
			.putLong(this.at + CONTROL, block.address());
		return block;
	}

	/** {@code CMSG_SPACE}: header and data, rounded up to 8. */
	private static int cmsgSpace(int data) {
		return (CMSG_DATA + data + 7) & ~7;
	}

	long address() {
		return this.headers.address() + this.at;
	}

	// Sending

	/** Gathers a packet from the remaining bytes of a buffer, which does not change. */
	void gather(ByteBuffer source) {
		reset(1);
		int length = source.remaining();
		if (isCopied(source)) {
			NativeBuffer target = scratch(length);
			target.bytes().put(0, source, source.position(), length);
			vector(target.address(), length);
		}
		else {
			vector(addressOf(source), length);
		}
	}

	/**
	 * Gathers a packet of less than 2 GiB, copied together if the buffers are too many.
	 */
	void gather(ByteBuffer[] sources) {
		if (sources.length == 1) {
			gather(sources[0]);
			return;
		}
		boolean copyAll = sources.length > MAX_VECTORS;
		int copied = 0;
		for (ByteBuffer source : sources) {
			copied += (copyAll || isCopied(source)) ? source.remaining() : 0;
		}
		NativeBuffer target = scratch(copied);
		reset(copyAll ? 1 : sources.length);
		int offset = 0;
		for (ByteBuffer source : sources) {
			int length = source.remaining();
			if (copyAll || isCopied(source)) {
				target.bytes().put(offset, source, source.position(), length);
				offset += length;
			}
			if (!copyAll) {
				vector(isCopied(source) ? target.address() + offset - length : addressOf(source), length);
			}
		}
		if (copyAll) {
			vector(target.address(), copied);
		}
	}

	/** Gathers a packet from native memory that the caller keeps alive. */
	void gather(long address, int length) {
		reset(1);
		vector(address, length);
	}

	/** Attaches descriptors that the caller has borrowed. */
	void attach(int[] numbers) {
		int count = numbers.length;
		ByteBuffer bytes = this.block.bytes();
		this.headers.bytes().putLong(this.at + CONTROLLEN, cmsgSpace(count * Integer.BYTES));
		bytes.putLong(0, CMSG_DATA + (long) count * Integer.BYTES)
			.putInt(CMSG_LEVEL, LibC.SOL_SOCKET)
			.putInt(CMSG_TYPE, LibC.SCM_RIGHTS);
		for (int i = 0; i < count; i++) {
			bytes.putInt(CMSG_DATA + i * Integer.BYTES, numbers[i]);
		}
	}

	/** Whether the packet is one piece of memory without descriptors. */
	boolean isPlain() {
		return this.vectors == 1 && !hasControlData();
	}

	/** Where a plain packet is. */
	long plainAddress() {
		return this.block.bytes().getLong(VECTORS_OFFSET);
	}

	/** The size of a plain packet. */
	long plainLength() {
		return this.block.bytes().getLong(VECTORS_OFFSET + 8);
	}

	// Receiving

	/** Makes room for a packet in the remaining bytes of one buffer. */
	void scatter(ByteBuffer target) {
		checkWritable(target);
		expect(1);
		int length = target.remaining();
		vector(isCopied(target) ? scratch(length).address() : addressOf(target), length);
	}

	/** Makes room for a packet in several buffers, of less than 2 GiB, in order. */
	void scatter(ByteBuffer[] targets) {
		int copied = 0;
		for (ByteBuffer target : targets) {
			checkWritable(target);
			copied += isCopied(target) ? target.remaining() : 0;
		}
		NativeBuffer source = scratch(copied);
		expect(targets.length);
		int offset = 0;
		for (ByteBuffer target : targets) {
			vector(isCopied(target) ? source.address() + offset : addressOf(target), target.remaining());
			offset += isCopied(target) ? target.remaining() : 0;
		}
	}

	/** Makes room for a packet in native memory that the caller keeps alive. */
	void scatter(long address, int length) {
		expect(1);
		vector(address, length);
	}

	/** Delivers what {@link #scatter(ByteBuffer)} received, and moves the position. */
	void deliver(ByteBuffer target, int length) {
		if (isCopied(target)) {
			target.put(this.scratch.bytes().position(0).limit(length));
		}
		else {
			target.position(target.position() + length);
		}
	}

	/** Delivers what {@link #scatter(ByteBuffer[])} received. */
	void deliver(ByteBuffer[] targets, int length) {
		int left = length;
		int offset = 0;
		for (ByteBuffer target : targets) {
			int room = target.remaining();
			int part = Math.min(left, room);
			if (isCopied(target)) {
				target.put(this.scratch.bytes().limit(offset + part).position(offset));
				offset += room;
			}
			else {
				target.position(target.position() + part);
			}
			left -= part;
		}
	}

	/** The size that {@code recvmmsg} found, in {@code msg_len}. */
	int receivedLength() {
		return this.headers.bytes().getInt(this.at + MSG_LEN);
	}

	boolean hasFlag(int flag) {
		return (this.headers.bytes().getInt(this.at + FLAGS) & flag) != 0;
	}

	boolean hasControlData() {
		return this.headers.bytes().getLong(this.at + CONTROLLEN) > 0;
	}

	/**
	 * Takes ownership of every descriptor that arrived, in whichever control message.
	 * @return those that were sent (SCM_RIGHTS); a pidfd that an option added is closed
	 */
	List<OwnedFd> descriptors() {
		ByteBuffer bytes = this.block.bytes();
		int end = (int) this.headers.bytes().getLong(this.at + CONTROLLEN);
		List<OwnedFd> sent = new ArrayList<>();
		int message = 0;
		while (message + CMSG_DATA <= end) {
			int length = (int) bytes.getLong(message);
			if (length < CMSG_DATA) {
				break;
			}
			if (bytes.getInt(message + CMSG_LEVEL) == LibC.SOL_SOCKET) {
				takeDescriptors(bytes, message, Math.min(message + length, end), sent);
			}
			message += (length + 7) & ~7;
		}
		return List.copyOf(sent);
	}

	private static void takeDescriptors(ByteBuffer bytes, int message, int end, List<OwnedFd> sent) {
		int type = bytes.getInt(message + CMSG_TYPE);
		if (type == LibC.SCM_RIGHTS || type == LibC.SCM_PIDFD) {
			for (int at = message + CMSG_DATA; at + Integer.BYTES <= end; at += Integer.BYTES) {
				int number = bytes.getInt(at);
				if (type == LibC.SCM_RIGHTS) {
					sent.add(OwnedFd.of(number));
				}
				else if (number >= 0) { // otherwise the reason why there is no pidfd
					OwnedFd.of(number).close();
				}
			}
		}
	}

	/** The kernel would write to it. */
	private static void checkWritable(ByteBuffer target) {
		if (target.isReadOnly()) {
			throw new ReadOnlyBufferException();
		}
	}

	private static boolean isCopied(ByteBuffer buffer) {
		return !buffer.isDirect() || buffer.remaining() <= CHEAP_TO_COPY;
	}

	private void reset(int count) {
		if (VECTORS_OFFSET + count * VECTOR_SIZE > this.block.capacity()) {
			NativeBuffer old = this.block;
			this.block = blockFor(count);
			old.free();
		}
		this.vectors = 0;
		this.headers.bytes().putLong(this.at + IOVLEN, count).putLong(this.at + CONTROLLEN, 0);
	}

	private void expect(int count) {
		if (count > MAX_VECTORS) {
			throw new IllegalArgumentException(
					"A packet is received into at most " + MAX_VECTORS + " buffers, not " + count);
		}
		reset(count);
		this.headers.bytes().putLong(this.at + CONTROLLEN, CONTROL_SIZE);
	}

	private void vector(long address, int length) {
		int at = VECTORS_OFFSET + this.vectors++ * VECTOR_SIZE;
		this.block.bytes().putLong(at, address).putLong(at + 8, length);
	}

	private NativeBuffer scratch(int length) {
		int capacity = this.scratch.capacity();
		if (capacity < length || (capacity > SCRATCH_TO_KEEP && length <= CHEAP_TO_COPY)) {
			// Allocated before the old one is freed: if that fails, nothing changes.
			NativeBuffer old = this.scratch;
			this.scratch = NativeBuffer.allocate(Math.max(length, CHEAP_TO_COPY));
			old.free();
		}
		this.scratch.bytes().clear();
		return this.scratch;
	}

	/** JNI creates an object for each address, so the last one is remembered. */
	private long addressOf(ByteBuffer direct) {
		if (!this.lastDirect.refersTo(direct)) {
			this.lastDirectAddress = LibC.addressOf(direct);
			this.lastDirect = new WeakReference<>(direct);
		}
		return this.lastDirectAddress + direct.position();
	}

}
