package dev.tinyipc.benchmark.peer;

import java.io.FileInputStream;
import java.io.IOException;
import java.util.List;

import dev.tinyipc.benchmark.Contender;
import org.newsclub.net.unix.AFSocketType;
import org.newsclub.net.unix.AFUNIXDatagramChannel;
import org.newsclub.net.unix.AFUNIXDatagramSocket;
import org.newsclub.net.unix.AFUNIXSocketAddress;

/**
 * Junixsocket's SEQPACKET sockets, with frames in CBOR. It can make a pair of them, but
 * no socket of a descriptor that a child inherited: so the child connects to a path.
 */
public final class JunixsocketContender implements Contender {

	@Override
	public Session prepare(String work, List<String> parameters) throws Exception {
		return PeerSession.prepare(JunixsocketContender::start, work, parameters);
	}

	private static Peer.Link start(Kind kind) throws Exception {
		try (SocketFile file = SocketFile.create(); AFUNIXDatagramSocket server = open()) {
			server.bind(AFUNIXSocketAddress.of(file.path()));
			server.listen(1);
			ChildJvm child = ChildJvm.start(JunixsocketChild.class, kind, file.path().toString());
			AFUNIXDatagramChannel channel = (AFUNIXDatagramChannel) server.accept().getChannel();
			FileInputStream passed = new FileInputStream("/dev/null");
			return new FramesLink(new Frames(channel, JunixsocketChild.PACKET_SIZE),
					() -> channel.setOutboundFileDescriptors(passed.getFD()), () -> {
						passed.close();
						channel.close();
						child.close();
					});
		}
	}

	static AFUNIXDatagramSocket open() throws IOException {
		return AFUNIXDatagramSocket.newInstance(AFSocketType.SOCK_SEQPACKET);
	}

}
