package dev.tinyipc.spring.readme;

import java.io.IOException;
import java.io.InputStream;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.SharedMemory;

/** The README's second example. */
final class ThumbnailWorker {

	private ThumbnailWorker() {
	}

	public static void main(String[] arguments) throws IOException {
		IpcChannel channel = IpcChannel.over(IpcSocket.inherited().orElseThrow());
		for (IpcMessage<Request> request; (request = channel.receive(Request.class)) != null; request.close()) {
			try (SharedMemory png = scale(request.descriptors().get(0).inputStream(), request.payload().size())) {
				channel.send(new Thumbnail("image/png"), png.descriptor());
			}
		}
	}

	private static SharedMemory scale(InputStream picture, int size) throws IOException {
		SharedMemory memory = SharedMemory.create("thumbnail");
		picture.transferTo(memory.outputStream());
		memory.seal();
		return memory;
	}

}
