package dev.tinyipc.spring.readme;

import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.stream.Stream;

import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.OwnedFd;
import dev.tinyipc.SharedMemory;

/** The README's child that implements a contract. */
final class PictureWorker {

	private PictureWorker() {
	}

	public static void main(String[] arguments) throws IpcException {
		IpcServer.builder().service(Pictures.class, new Gallery()).threads(8).serve();
	}

	/** Its pictures are texts: lines, of which the first one may be a title. */
	private static final class Gallery implements Pictures {

		@Override
		public Optional<String> title(Path picture) {
			return content(picture).lines().findFirst();
		}

		@Override
		public OwnedFd scaled(Path picture, int width, String format, Duration timeout) {
			String scaled = format + ' ' + content(picture).substring(0, width);
			try {
				SharedMemory memory = SharedMemory.create("scaled");
				try (OutputStream target = memory.outputStream()) {
					target.write(scaled.getBytes(StandardCharsets.UTF_8));
				}
				return memory.descriptor();
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

		@Override
		public Stream<String> tags(Path picture) {
			return content(picture).lines().skip(1);
		}

		private static String content(Path picture) {
			try {
				return Files.readString(picture);
			}
			catch (IOException ex) {
				throw new UncheckedIOException(ex);
			}
		}

	}

}
