package dev.tinyipc.spring.child;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcSocket;

/** A child in Java that answers some requests twice, in spite of itself. */
final class TwiceWorker {

	/** Of the requests that it has answered, the first of which came without a number. */
	private static int answered;

	private TwiceWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcChannel behindTheScenes = IpcChannel.over(IpcSocket.inherited().orElseThrow());
		IpcServer.serve(String.class, (request) -> {
			if (answered++ > 1 && request.payload().startsWith("twice")) {
				behindTheScenes.send("somebody else's answer");
			}
			return request.payload();
		});
	}

}
