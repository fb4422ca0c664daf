package dev.tinyipc.demo.worker;

import java.io.IOException;

/** A file of which there can be no thumbnail; the message says why, to the user. */
class NotAPictureException extends IOException {

	private static final long serialVersionUID = 1L;

	NotAPictureException(String message) {
		super(message);
	}

}
