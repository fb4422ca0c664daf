package dev.tinyipc.demo.worker;

import java.io.IOException;

/** A file that no thumbnail can be made of. The message tells the user why. */
class NotAPictureException extends IOException {

	private static final long serialVersionUID = 1L;

	NotAPictureException(String message) {
		super(message);
	}

}
