package dev.tinyipc.benchmark.peer;

import java.net.StandardProtocolFamily;
import java.net.UnixDomainSocketAddress;
import java.nio.channels.ServerSocketChannel;
import java.nio.channels.SocketChannel;
import java.nio.file.Path;
import java.util.List;

import dev.tinyipc.benchmark.Contender;

/** The JDK's {@link SocketChannel} of the Unix domain, with frames in CBOR. */
public final class JdkSocketContender implements Contender {

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(JdkSocketContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws Exception {
		try (SocketFile file = SocketFile.create();
				ServerSocketChannel server = ServerSocketChannel.open(StandardProtocolFamily.UNIX)) {
			server.bind(UnixDomainSocketAddress.of(file.path()));
			ChildJvm child = ChildJvm.start(Child.class, kind, file.path().toString());
			SocketChannel channel = server.accept();
			return new FramesLink(new Frames(channel, Integer.MAX_VALUE), FramesLink.NO_DESCRIPTORS, () -> {
				channel.close();
				child.close();
			});
		}
	}

	/** The child. */
	static final class Child {

		private Child() {
		}

		/**
		 * Serves until the parent closes.
		 * @param arguments the kind, and the path of the socket
		 * @throws Exception if it failed
		 */
		public static void main(String[] arguments) throws Exception {
			try (SocketChannel channel = SocketChannel.open(UnixDomainSocketAddress.of(Path.of(arguments[1])))) {
				new FramesChild(new Frames(channel, Integer.MAX_VALUE)).serve(Kind.valueOf(arguments[0]));
			}
		}

	}

}
