package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;

import com.code_intelligence.jazzer.junit.FuzzTest;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;

import static org.assertj.core.api.Assertions.assertThat;

/**
 * Any control data that the kernel can be brought to write: any number of descriptors,
 * with and without what socket options of the receiver add, and with any room for open
 * files in this process. What was sent arrives, or an error says so and nothing is open.
 */
class ControlDataFuzzTest {

	/** SO_PASSCRED, SO_PASSSEC, SO_PASSPIDFD (since Linux 6.5). */
	private static final int[] OPTIONS = { 16, 34, 76 };

	/** {@code prlimit64} on x86-64 and aarch64. */
	private static final long PRLIMIT = System.getProperty("os.arch").equals("aarch64") ? 261 : 302;

	private static final int RLIMIT_NOFILE = 7;

	private static final int SEEK_END = 2;

	/** A descriptor is told by the size of its file. */
	private static final List<OwnedFd> files = new ArrayList<>();

	private static final NativeBuffer limits = NativeBuffer.allocate(16);

	@BeforeAll
	static void makeFiles() throws Exception {
		for (int i = 0; i < MsgHdr.MAX_DESCRIPTORS; i++) {
			OwnedFd file = SharedMemory.create("fuzz").descriptor();
			DescriptorIo.truncate(file, i);
			files.add(file);
		}
		// No class can be loaded while there is no room for its file.
		receiveWithRoomFor(3);
		receiveWithRoomFor(0);
	}

	private static void receiveWithRoomFor(int room) throws Exception {
		for (int api = 0; api < 4; api++) {
			arrivesOrIsRefused(new byte[] { 3, (byte) (api | 0x80), 5, 1, (byte) room });
			arrivesOrIsRefused(new byte[] { 3, (byte) (api | 0x80), 5, 9, (byte) room });
		}
	}

	@AfterAll
	static void closeFiles() {
		OwnedFd.closeAll(files);
		files.clear();
	}

	@FuzzTest
	void descriptorsArriveOrAreRefused(byte[] input) throws Exception {
		arrivesOrIsRefused(input);
	}

	private static void arrivesOrIsRefused(byte[] input) throws IOException {
		FuzzPeer.Script script = new FuzzPeer.Script(input);
		try (FuzzPeer peer = FuzzPeer.open()) {
			int options = script.next();
			for (int i = 0; i < OPTIONS.length; i++) {
				setOption(peer.receiver(), OPTIONS[i], options >> i & 1);
			}
			for (int i = 0; i < 10 && script.hasMore(); i++) {
				exchange(script, peer);
			}
			peer.sender().close();
			assertThat(peer.receiver().receive(ByteBuffer.allocate(1))).isNull();
		}
	}

	private static void exchange(FuzzPeer.Script script, FuzzPeer peer) throws IOException {
		int how = script.next();
		int count = Math.min(script.next(), MsgHdr.MAX_DESCRIPTORS);
		byte[] packet = new byte[1 + script.next() % 16];
		int[] numbers = new int[count];
		for (int i = 0; i < count; i++) {
			numbers[i] = files.get(i).fd();
		}
		assertThat(peer.send(packet, numbers)).isTrue();
		BitSet open = FuzzPeer.openDescriptors();
		int limit = ((how & 0x80) != 0) ? open.nextClearBit(0) + script.next() : 0;
		boolean fits = packet.length <= 8;
		boolean hasRoom = limit == 0 || limit - open.get(0, limit).cardinality() > count;
		try (Packet received = receive(peer.receiver(), how & 3, limit)) {
			assertThat(received.length()).isEqualTo(packet.length).isLessThanOrEqualTo(8);
			assertThat(received.descriptors()).hasSize(count);
			for (int i = 0; i < count; i++) {
				assertThat(size(received.descriptors().get(i))).isEqualTo(i);
			}
		}
		catch (IpcException.MessageTooLarge ex) {
			assertThat(fits).isFalse();
		}
		catch (IpcException.TooManyDescriptors ex) {
			assertThat(hasRoom).isFalse();
		}
	}

	private static long size(OwnedFd file) {
		return Lseek.lseek(file.fd(), 0, SEEK_END);
	}

	private static Packet receive(IpcSocket socket, int how, int limit) throws IpcException {
		ByteBuffer room = ByteBuffer.allocate(8);
		ByteBuffer[] rooms = { ByteBuffer.allocate(3), ByteBuffer.allocate(5) };
		List<Packet> batch = new ArrayList<>();
		long before = (limit > 0) ? setLimit(limit) : 0;
		try {
			return switch (how) {
				case 0 -> socket.receive(room);
				case 1 -> socket.receive(rooms);
				case 2 -> socket.tryReceive(room);
				default -> {
					socket.receiveBatch(new ByteBuffer[] { room }, (packet, index) -> {
						List<OwnedFd> taken = new ArrayList<>();
						for (int i = 0; i < packet.descriptors().size(); i++) {
							taken.add(packet.take(i));
						}
						batch.add(new Packet(packet.length(), taken));
					});
					yield batch.get(0);
				}
			};
		}
		finally {
			if (limit > 0) {
				setLimit(before);
			}
		}
	}

	/** Sets how many files this process may have open, and returns what it was. */
	private static long setLimit(long newLimit) throws IpcException {
		Errno.check("prlimit", LibC.syscall(PRLIMIT, 0, RLIMIT_NOFILE, 0, limits.address(), 0));
		long before = limits.bytes().getLong(0);
		limits.bytes().putLong(0, newLimit);
		Errno.check("prlimit", LibC.syscall(PRLIMIT, 0, RLIMIT_NOFILE, limits.address(), 0, 0));
		return before;
	}

	private static void setOption(IpcSocket socket, int option, int value) throws IpcException {
		try {
			SocketOption.set(socket.descriptor(), option, "SO_PASS…", value);
		}
		catch (IpcException ex) {
			assertThat(ex).hasMessageContaining("ENOPROTOOPT");
		}
	}

}
