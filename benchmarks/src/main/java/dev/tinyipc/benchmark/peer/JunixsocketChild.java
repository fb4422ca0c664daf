package dev.tinyipc.benchmark.peer;

import java.io.FileDescriptor;
import java.io.FileInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.ByteChannel;
import java.nio.file.Path;

import org.jspecify.annotations.Nullable;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/** The child of {@link JunixsocketContender}. */
final class JunixsocketChild {

	/** As tiny-ipc's own contenders send them. */
	static final int PACKET_SIZE = 64 * 1024 + Frames.HEADER_SIZE;

	private static final int ONE_DESCRIPTOR = 64;

	private JunixsocketChild() {
	}

	/**
	 * Serves until the parent closes.
	 * @param arguments the kind, and the path of the socket
	 * @throws IOException if it failed
	 */
	public static void main(String[] arguments) throws IOException {
		Kind kind = Kind.valueOf(arguments[0]);
		try (AFUNIXDatagramSocket socket = JunixsocketContender.open()) {
			socket.connect(AFUNIXSocketAddress.of(Path.of(arguments[1])));
			AFUNIXDatagramChannel channel = socket.getChannel();
			new FramesChild(new Frames((kind == Kind.DESCRIPTOR) ? new Closing(channel) : channel, PACKET_SIZE))
				.serve(kind);
		}
	}

	/** Closes the descriptors that come with what is read. */
	private record Closing(AFUNIXDatagramChannel channel) implements ByteChannel {

		Closing {
			channel.ensureAncillaryReceiveBufferSize(ONE_DESCRIPTOR);
		}

		@Override
		public int read(ByteBuffer buffer) throws IOException {
			int count = this.channel.read(buffer);
			if (count > 0) {
				closeOne(this.channel.getReceivedFileDescriptors());
			}
			return count;
		}

		private static void closeOne(FileDescriptor @Nullable [] descriptors) throws IOException {
			if (descriptors == null || descriptors.length != 1) {
				throw new IOException("no descriptor came");
			}
			new FileInputStream(descriptors[0]).close();
		}

		@Override
		public int write(ByteBuffer buffer) throws IOException {
			return this.channel.write(buffer);
		}

		@Override
		public boolean isOpen() {
			return this.channel.isOpen();
		}

		@Override
		public void close() throws IOException {
			this.channel.close();
		}

	}

}
