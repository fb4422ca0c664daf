package dev.tinyipc.demo.worker;

import java.io.IOException;

import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;

import javax.imageio.ImageIO;

/**
 * Makes thumbnails in a process of its own, until the application closes its end of the
 * socket.
 */
public final class ThumbnailWorker implements Thumbnails {

	/**
	 * Runs in a process of its own, which inherits the socket.
	 * @param args unused
	 * @throws IOException if the socket fails, which ends the process
	 */
	public static void main(String[] args) throws IOException {
		System.setProperty("java.awt.headless", "true");
		ImageIO.setUseCache(false);
		IpcServer.builder().service(Thumbnails.class, new ThumbnailWorker()).serve();
	}

	@Override
	public IpcMessage<ThumbnailReply> make(OwnedFd picture, int size) throws IOException {
		try (SharedMemory png = SharedMemory.create("thumbnail")) {
			ThumbnailReply reply = Thumbnailer.make(picture.channel(), size, png.outputStream());
			if (reply.refusal() != null) {
				return IpcMessage.of(reply);
			}
			png.seal();
			return IpcMessage.of(reply, png.descriptor().duplicate());
		}
	}

}
