package dev.tinyipc.spring.readme;

import java.io.IOException;
import java.io.InputStream;

import dev.tinyipc.IpcServer;
import dev.tinyipc.SharedMemory;

/** The README's second example. */
final class ThumbnailWorker {

	private ThumbnailWorker() {
	}

	public static void main(String[] arguments) throws IOException {
		IpcServer.serve(Request.class, (request) -> {
			SharedMemory png = scale(request.file(0).inputStream(), request.payload().size());
			return new IpcServer.Reply(new Thumbnail("image/png"), png.descriptor());
		});
	}

	private static SharedMemory scale(InputStream picture, int size) throws IOException {
		SharedMemory memory = SharedMemory.create("thumbnail");
		picture.transferTo(memory.outputStream());
		memory.seal();
		return memory;
	}

}
