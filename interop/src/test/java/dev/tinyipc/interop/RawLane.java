package dev.tinyipc.interop;

import java.io.IOException;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.VarHandle;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.BooleanSupplier;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.Packet;
import dev.tinyipc.RawMemory;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * The opener's end of a memory lane, word by word as the wire format says it. It sleeps
 * whenever it waits, so that a peer that does not wake it is found out.
 */
final class RawLane implements Wire {

	static final int HEADER_SIZE = 4096;

	private static final long MAGIC = 0x4d63_7069_796e_6974L;

	private static final int VERSION = 1;

	private static final int FIRST_SIZE = 16, SECOND_SIZE = 24;

	private static final int TAIL_OUT = 256, HEAD_OUT = 384, TAIL_IN = 512, HEAD_IN = 640;

	private static final int OWN_SLEEP = 768, PEERS_SLEEP = 896;

	private static final int DATA = 1, ROOM = 2;

	private static final byte BELL = 0, DESCRIPTORS = 1;

	private static final VarHandle POSITION = MethodHandles.byteBufferViewVarHandle(long[].class,
			ByteOrder.nativeOrder());

	private static final VarHandle WORD = MethodHandles.byteBufferViewVarHandle(int[].class, ByteOrder.nativeOrder());

	private final IpcSocket socket;

	private final RawMemory memory;

	private final ByteBuffer bytes;

	private final int sizeOut;

	private final int sizeIn;

	private final ByteBuffer packet = ByteBuffer.allocateDirect(16);

	/** How many descriptors came with each packet, which are closed. */
	private final Deque<Integer> arrivals = new ArrayDeque<>();

	private long written;

	private long read;

	RawLane(IpcSocket socket, RawMemory memory) throws IOException {
		this.socket = socket;
		this.memory = memory;
		this.bytes = memory.bytes();
		this.sizeOut = (int) this.bytes.getLong(FIRST_SIZE);
		this.sizeIn = (int) this.bytes.getLong(SECOND_SIZE);
		socket.setReceiveTimeout(Child.PATIENCE);
		socket.setSendTimeout(Child.PATIENCE);
	}

	/** The memory of a lane, as an opener makes it. */
	static RawMemory memory(int ringSize) throws IOException {
		byte[] header = ByteBuffer.allocate(SECOND_SIZE + Long.BYTES)
			.order(ByteOrder.nativeOrder())
			.putLong(MAGIC)
			.putInt(VERSION)
			.putInt(HEADER_SIZE)
			.putLong(ringSize)
			.putLong(ringSize)
			.array();
		return new RawMemory(HEADER_SIZE + 2L * ringSize, Map.of(0, header), RawMemory.SEALS);
	}

	@Override
	public IpcSocket socket() {
		return this.socket;
	}

	@Override
	public void send(byte[] body, OwnedFd... descriptors) throws IOException {
		if (descriptors.length > 0) {
			this.socket.send(ByteBuffer.wrap(new byte[] { DESCRIPTORS }), descriptors);
		}
		byte[] start = ByteBuffer.allocate(2 * Long.BYTES)
			.order(ByteOrder.nativeOrder())
			.putLong(descriptors.length)
			.putLong(body.length)
			.array();
		write(start);
		for (int at = 0; at < body.length; at += this.sizeOut / 2) {
			write(Arrays.copyOfRange(body, at, Math.min(body.length, at + this.sizeOut / 2)));
		}
	}

	/** Writes and publishes bytes, once there is room for all of them. */
	void write(byte[] part) throws IOException {
		if (!await(ROOM, () -> this.written - position(HEAD_OUT) <= this.sizeOut - part.length)) {
			throw closed();
		}
		for (byte each : part) {
			this.bytes.put(HEADER_SIZE + (int) (this.written % this.sizeOut), each);
			this.written++;
		}
		publishTail(this.written);
	}

	/** Says that so many bytes were written. */
	void publishTail(long tail) throws IOException {
		POSITION.setRelease(this.bytes, TAIL_OUT, tail);
		ring(DATA);
	}

	/** Says that so many bytes were read. */
	void publishHead(long head) throws IOException {
		POSITION.setRelease(this.bytes, HEAD_IN, head);
		ring(ROOM);
	}

	private void ring(int reason) throws IOException {
		VarHandle.fullFence();
		if (((int) WORD.getAndBitwiseAnd(this.bytes, PEERS_SLEEP, ~reason) & reason) != 0) {
			this.socket.trySend(ByteBuffer.wrap(new byte[] { BELL }));
		}
	}

	@Override
	public Body receive() throws IOException {
		ByteBuffer start = ByteBuffer.wrap(read(2 * Long.BYTES)).order(ByteOrder.nativeOrder());
		long descriptors = start.getLong();
		assertThat(descriptors).isBetween(0L, 253L);
		while (descriptors > 0 && this.arrivals.isEmpty()) {
			// They were sent before their frame was published.
			assertThat(takeIfThere()).as("the descriptors of a frame that is there").isTrue();
		}
		if (descriptors > 0) {
			assertThat(this.arrivals.remove()).isEqualTo((int) descriptors);
		}
		return new Body(read(Math.toIntExact(start.getLong())), (int) descriptors);
	}

	/**
	 * Empties the socket until the peer waits for us to read.
	 * @param most stops when there are more
	 * @return how many messages with descriptors were not read
	 */
	int unreadWithDescriptors(int most) throws IOException {
		boolean waits = false;
		boolean more = true;
		while (this.arrivals.size() <= most && (more || !waits)) {
			waits = ((int) WORD.getOpaque(this.bytes, PEERS_SLEEP) & ROOM) != 0;
			more = takeIfThere();
			if (!more) {
				Thread.yield();
			}
		}
		return this.arrivals.size();
	}

	private byte[] read(int length) throws IOException {
		byte[] target = new byte[length];
		for (int i = 0; i < length;) {
			if (!await(DATA, () -> position(TAIL_IN) != this.read)) {
				throw closed();
			}
			long there = position(TAIL_IN) - this.read;
			assertThat(there).isBetween(1L, (long) this.sizeIn);
			for (; there > 0 && i < length; there--, i++) {
				target[i] = this.bytes.get(HEADER_SIZE + this.sizeOut + (int) (this.read % this.sizeIn));
				this.read++;
			}
			publishHead(this.read);
		}
		return target;
	}

	/** How many bytes are there when the peer has closed the lane, which it must do. */
	long unreadAtEnd() throws IOException {
		while (takeNext()) {
			// It may still ring.
		}
		return position(TAIL_IN) - this.read;
	}

	/** Waits until the peer sleeps because it may not write. */
	void awaitSleepForRoom() {
		Soon.await().until(() -> ((int) WORD.getVolatile(this.bytes, PEERS_SLEEP) & ROOM) != 0);
	}

	/** Takes the next packet if it is there; false if it is not. */
	boolean takeIfThere() throws IOException {
		try (Packet next = this.socket.tryReceive(this.packet.clear())) {
			if (next != null) {
				take(next);
			}
			return next != null;
		}
	}

	/** Writes numbers anywhere into the memory, mostly small ones, and rings. */
	void scribble(Random random) throws IOException {
		for (int i = 0; i < 20; i++) {
			int at = HEADER_SIZE + random.nextInt(this.bytes.capacity() - HEADER_SIZE) / Long.BYTES * Long.BYTES;
			this.bytes.putLong(at, random.nextLong() >>> (random.nextInt(8) > 0 ? Long.SIZE - 6 : 0));
		}
		int[] words = { TAIL_OUT, HEAD_OUT, TAIL_IN, HEAD_IN, OWN_SLEEP, PEERS_SLEEP };
		if (random.nextInt(50) > 0) {
			// So that it goes on.
			this.written += random.nextInt(64);
			POSITION.setRelease(this.bytes, TAIL_OUT, this.written);
		}
		else {
			POSITION.setRelease(this.bytes, words[random.nextInt(words.length)],
					random.nextLong() >>> random.nextInt(Long.SIZE));
		}
		this.socket.trySend(ByteBuffer.wrap(new byte[] { BELL }));
	}

	/** False if the peer has closed the lane, and it is not ready. */
	private boolean await(int reason, BooleanSupplier ready) throws IOException {
		boolean open = true;
		announce(reason);
		while (open && !ready.getAsBoolean()) {
			open = takeNext();
			announce(reason);
		}
		WORD.getAndBitwiseAnd(this.bytes, OWN_SLEEP, ~reason);
		return ready.getAsBoolean();
	}

	private void announce(int reason) {
		WORD.getAndBitwiseOr(this.bytes, OWN_SLEEP, reason);
		VarHandle.fullFence();
	}

	/** Waits for a packet; false if the peer has closed. */
	private boolean takeNext() throws IOException {
		try (Packet next = this.socket.receive(this.packet.clear())) {
			if (next != null) {
				take(next);
			}
			return next != null;
		}
	}

	private void take(Packet next) {
		assertThat(next.length()).isOne();
		byte kind = this.packet.get(0);
		List<OwnedFd> descriptors = next.descriptors();
		assertThat(kind).isIn(BELL, DESCRIPTORS);
		assertThat(descriptors.isEmpty()).isEqualTo(kind == BELL);
		if (kind == DESCRIPTORS) {
			this.arrivals.add(descriptors.size());
		}
	}

	private static IpcException closed() {
		return new IpcException.PeerClosed("The peer has closed the lane");
	}

	private long position(int offset) {
		return (long) POSITION.getAcquire(this.bytes, offset);
	}

	@Override
	public void close() {
		this.socket.close();
		try {
			this.memory.close();
		}
		catch (IOException ex) {
			throw new AssertionError(ex);
		}
	}

}
