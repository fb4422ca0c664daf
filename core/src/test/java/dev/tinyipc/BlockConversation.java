package dev.tinyipc;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Two ends that share blocks: a server, and its requester.
 *
 * @param requester asks over the channel
 * @param channel of the requester
 * @param served the channel of the server
 * @param server answers
 */
record BlockConversation(IpcRequester requester, IpcChannel channel, IpcChannel served,
		IpcServer server) implements AutoCloseable {

	static final int MIB = 1024 * 1024;

	static final int LIMIT = 64 * MIB;

	static final IpcHello HELLO = new IpcHello(2, true, true, 64, Optional.empty(), 0, 0, true, LIMIT);

	static BlockConversation with(IpcServerBuilder builder) throws IpcException {
		return with(builder, HELLO, LIMIT);
	}

	/** Where both ends take blocks of so many bytes. */
	static BlockConversation with(IpcServerBuilder builder, int limit) throws IpcException {
		return with(builder, new IpcHello(2, true, true, 64, Optional.empty(), 0, 0, true, limit), limit);
	}

	static BlockConversation with(IpcServerBuilder builder, IpcHello hello, int limitOfServer) throws IpcException {
		IpcSocketPair pair = IpcSocket.pair();
		IpcServer server = builder.build();
		IpcChannel served = IpcChannel.over(pair.child()).withBlocks(limitOfServer);
		server.serve(served);
		IpcChannel channel = IpcChannel.over(pair.parent()).withBlocks(Math.max((int) hello.blocks(), limitOfServer));
		IpcRequester requester = IpcRequester.greeted(channel, "the peer", hello);
		if (MemoryLane.isTheDefault()) {
			requester.share(LaneMemory.DEFAULT_RING_SIZE, Conversation.inTime());
		}
		return new BlockConversation(requester, channel, served, server);
	}

	/** How many maps of blocks this process has. */
	static long mapped() throws IOException {
		try (Stream<String> maps = Files.lines(Path.of("/proc/self/maps"))) {
			return maps.filter((map) -> map.contains("tiny-ipc-block")).count();
		}
	}

	@Override
	public void close() {
		this.channel.socket().close();
		this.server.close();
	}

}
