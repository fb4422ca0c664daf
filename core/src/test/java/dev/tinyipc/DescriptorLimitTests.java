package dev.tinyipc;

import java.io.File;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;

/** In JVMs of their own, because the limits hold for a whole process or user. */
@Timeout(60)
class DescriptorLimitTests {

	@TempDir
	Path folder;

	/** Rows 12 and 13. */
	@Test
	void receiverWithoutRoomForAllClosesThoseThatCameAndGoesOn() throws Exception {
		assertThat(new ChildJvm(FullReceiver.class).after("ulimit -n 80").run()).isEqualTo("""
				caught TooManyDescriptors, names RLIMIT_NOFILE: true
				descriptors left over: 0
				next packet: next
				with room again: 5
				""");
	}

	/**
	 * As rows 12 and 13, for frames: the first packet is lost, and what follows it is no
	 * header.
	 */
	@Test
	void continuedFrameThatLostItsDescriptorsIsNotTakenForTheNextOne() throws Exception {
		assertThat(new ChildJvm(FullFrameReceiver.class).after("ulimit -n 120").run()).isEqualTo("""
				caught TooManyDescriptors
				descriptors left over: 0
				after that: is unusable
				""");
	}

	/** A frame of one packet leaves nothing behind that could be misread. */
	@Test
	void frameOfOnePacketThatLostItsDescriptorsDoesNotCostTheSocket() throws Exception {
		assertThat(new ChildJvm(FullFrameReceiver.class, "small").after("ulimit -n 120").run()).isEqualTo("""
				caught TooManyDescriptors
				descriptors left over: 0
				after that: next
				""");
	}

	/** ETOOMANYREFS, which only users without privileges get. */
	@Test
	void tooManyDescriptorsUnderWayIsAnErrorOfItsOwnAndARetryCanWork() throws Exception {
		String output = new ChildJvm(CrowdedSender.class).after("ulimit -n 100").asNobody(this.folder).run();
		assertThat(output).contains("send failed: ETOOMANYREFS (Too many references: cannot splice)")
			.contains("RLIMIT_NOFILE")
			.contains("descriptor still open: true")
			.contains("after the receiver caught up: sent");
	}

	static final class FullReceiver {

		public static void main(String[] args) throws Exception {
			IpcSocketPair pair = IpcSocket.pair();
			OwnedFd file = OwnedFd.open(Path.of("/dev/null"));
			OwnedFd[] five = new OwnedFd[5];
			Arrays.fill(five, file);
			roundTrip(pair, five);
			openOnes(file);
			List<OwnedFd> taken = takeAll(file);
			taken.remove(0).close();
			taken.remove(0).close();
			int before = openOnes(file);
			pair.parent().send(Samples.bytes("lost"), five);
			pair.parent().send(Samples.bytes("next"));
			try {
				pair.child().receive(ByteBuffer.allocate(10));
			}
			catch (IpcException.TooManyDescriptors ex) {
				System.out.println(
						"caught TooManyDescriptors, names RLIMIT_NOFILE: " + ex.getMessage().contains("RLIMIT_NOFILE"));
			}
			System.out.println("descriptors left over: " + (openOnes(file) - before));
			System.out.println("next packet: " + Samples.receiveText(pair.child()));
			OwnedFd.closeAll(taken);
			System.out.println("with room again: " + roundTrip(pair, five));
		}

		private static int roundTrip(IpcSocketPair pair, OwnedFd[] descriptors) throws IOException {
			pair.parent().send(Samples.bytes("ok"), descriptors);
			ByteBuffer room = ByteBuffer.allocate(10);
			try (Packet packet = pair.child().receive(room)) {
				Samples.text(room);
				return packet.descriptors().size();
			}
		}

	}

	static final class FullFrameReceiver {

		public static void main(String[] args) throws Exception {
			IpcSocketPair pair = IpcSocket.pair();
			IpcChannel sender = IpcChannel.over(pair.parent());
			IpcChannel receiver = IpcChannel.over(pair.child());
			OwnedFd file = OwnedFd.open(Path.of("/dev/null"));
			OwnedFd[] five = new OwnedFd[5];
			Arrays.fill(five, file);
			boolean small = args.length > 0;
			sender.send("warm", five);
			receiver.receive(String.class).close();
			takeAllAndClose(file);
			openOnes(file);
			Class.forName("dev.tinyipc.IpcException$PeerClosed");
			pair.parent().setSendBufferSize(2 * 1024 * 1024);
			List<OwnedFd> taken = takeAll(file);
			taken.remove(0).close();
			taken.remove(0).close();
			int before = openOnes(file);
			sender.send(small ? "lost" : withForgedFrame(), five);
			sender.send("next");
			try {
				receiver.receive(byte[].class);
			}
			catch (IpcException.TooManyDescriptors ex) {
				System.out.println("caught TooManyDescriptors");
			}
			System.out.println("descriptors left over: " + (openOnes(file) - before));
			OwnedFd.closeAll(taken);
			try {
				System.out.println("after that: " + receiver.receive(Object.class).payload());
			}
			catch (IpcException ex) {
				System.out.println(
						"after that: " + (ex.getMessage().contains("is unusable") ? "is unusable" : ex.getMessage()));
			}
		}

		/** What continues the frame looks like a frame of its own. */
		private static byte[] withForgedFrame() {
			int cborHeader = 5;
			ByteBuffer content = ByteBuffer.allocate(700 * 1024).order(ByteOrder.nativeOrder());
			content.putLong(64 * 1024 - Frame.HEADER_SIZE - cborHeader, 64 * 1024 - Frame.HEADER_SIZE)
				.put(64 * 1024 - cborHeader, new byte[] { 0x59, (byte) 0xff, (byte) 0xf5 });
			return content.array();
		}

		private static void takeAllAndClose(OwnedFd file) {
			OwnedFd.closeAll(takeAll(file));
		}

	}

	static final class CrowdedSender {

		public static void main(String[] args) throws Exception {
			IpcSocketPair pair = IpcSocket.pair();
			OwnedFd file = OwnedFd.open(Path.of("/dev/null"));
			OwnedFd[] many = new OwnedFd[50];
			Arrays.fill(many, file);
			try {
				for (int i = 0; i < 100; i++) {
					pair.parent().send(Samples.bytes("x"), many);
				}
			}
			catch (IpcException.TooManyDescriptors ex) {
				System.out.println(ex.getMessage());
			}
			System.out.println("descriptor still open: " + new File("/proc/self/fd/" + file.fd()).exists());
			for (Packet packet; (packet = pair.child().tryReceive(ByteBuffer.allocate(1))) != null;) {
				packet.close();
			}
			pair.parent().send(Samples.bytes("x"), many);
			System.out.println("after the receiver caught up: sent");
		}

	}

	/**
	 * How many descriptors of the process lead to that file. Counting those that it may
	 * still open would count what the JVM opens for a moment as well.
	 */
	private static int openOnes(OwnedFd file) throws IOException {
		Path own = Path.of("/proc/self/fd");
		Path target = Files.readSymbolicLink(own.resolve(String.valueOf(file.fd())));
		int count = 0;
		try (DirectoryStream<Path> descriptors = Files.newDirectoryStream(own)) {
			for (Path descriptor : descriptors) {
				try {
					count += Files.readSymbolicLink(descriptor).equals(target) ? 1 : 0;
				}
				catch (NoSuchFileException ex) {
					// It was open for a moment only, as that of the directory itself.
				}
			}
		}
		return count;
	}

	/** As many descriptors as the process may have open. */
	private static List<OwnedFd> takeAll(OwnedFd file) {
		List<OwnedFd> taken = new ArrayList<>();
		try {
			while (true) {
				taken.add(file.duplicate());
			}
		}
		catch (IpcException ex) {
			return taken;
		}
	}

}
