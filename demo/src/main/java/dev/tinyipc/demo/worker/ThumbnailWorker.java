package dev.tinyipc.demo.worker;

import java.io.IOException;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.SharedMemory;

import javax.imageio.ImageIO;

/**
 * Receives open files and answers each with a thumbnail, until the application closes its
 * end of the socket.
 */
public final class ThumbnailWorker {

	private ThumbnailWorker() {
	}

	/**
	 * Runs in a process of its own, which inherits the socket.
	 * @param args unused
	 * @throws IOException if the socket fails, which ends the process
	 */
	public static void main(String[] args) throws IOException {
		System.setProperty("java.awt.headless", "true");
		ImageIO.setUseCache(false);
		IpcServer.serve(ThumbnailRequest.class, ThumbnailWorker::answer);
	}

	static void serve(IpcChannel channel) throws IOException {
		IpcServer.serve(channel, ThumbnailRequest.class, ThumbnailWorker::answer);
	}

	private static IpcServer.Reply answer(IpcMessage<ThumbnailRequest> request) throws IOException {
		SharedMemory png = SharedMemory.create("thumbnail");
		try {
			ThumbnailReply reply = Thumbnailer.make(request.file(0).channel(), request.payload().size(),
					png.outputStream());
			if (reply.refusal() != null) {
				png.close();
				return new IpcServer.Reply(reply);
			}
			png.seal();
			return new IpcServer.Reply(reply, png.descriptor());
		}
		catch (IOException | RuntimeException ex) {
			png.close();
			throw ex;
		}
	}

}
