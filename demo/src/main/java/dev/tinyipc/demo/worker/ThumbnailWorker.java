package dev.tinyipc.demo.worker;

import java.io.IOException;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.SharedMemory;

import javax.imageio.ImageIO;

/**
 * Receives open files, and answers each with a thumbnail, until the application closes
 * its end of the socket.
 */
public final class ThumbnailWorker {

	private ThumbnailWorker() {
	}

	/**
	 * Runs in a process of its own, which inherits the socket.
	 * @param args none
	 * @throws IOException if the socket fails, which ends the process
	 */
	public static void main(String[] args) throws IOException {
		System.setProperty("java.awt.headless", "true");
		ImageIO.setUseCache(false);
		IpcSocket socket = IpcSocket.inherited()
			.orElseThrow(
					() -> new IllegalStateException("This program is a child of the demo application: start that"));
		try (socket) {
			serve(IpcChannel.over(socket));
		}
	}

	static void serve(IpcChannel channel) throws IOException {
		try {
			IpcMessage<ThumbnailRequest> request = channel.receive(ThumbnailRequest.class);
			while (request != null) {
				answer(request, channel);
				request = channel.receive(ThumbnailRequest.class);
			}
		}
		catch (IpcException.PeerClosed ex) {
			// It does not want the answer any more.
		}
	}

	private static void answer(IpcMessage<ThumbnailRequest> request, IpcChannel channel) throws IOException {
		try (request; SharedMemory png = SharedMemory.create("thumbnail")) {
			ThumbnailReply reply = Thumbnailer.make(request.descriptors().get(0).channel(), request.payload().size(),
					png.outputStream());
			if (reply.refusal() != null) {
				channel.send(reply);
				return;
			}
			png.seal();
			channel.send(reply, png.descriptor());
		}
	}

}
