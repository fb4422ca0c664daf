package dev.tinyipc.demo.worker;

import java.io.IOException;

import dev.tinyipc.IpcExchange;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.OwnedFd;

/**
 * The contract between the application, which calls it, and its workers, which implement
 * it.
 */
@IpcExchange
public interface Thumbnails {

	/**
	 * Makes a thumbnail.
	 * @param picture an open file
	 * @param size the maximum length of its longest side, in pixels
	 * @return the thumbnail's PNG as sealed memory, or the reason why there is none; to
	 * be closed by the caller
	 * @throws IOException if there are too many open files
	 */
	IpcMessage<ThumbnailReply> make(OwnedFd picture, int size) throws IOException;

}
