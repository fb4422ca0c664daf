package dev.tinyipc.demo.worker;

import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;

/**
 * Notices a JPEG that ends too early. Its reader paints what is missing grey, and says so
 * in a warning only, which is one of many that do no harm.
 */
final class Truncation implements IIOReadWarningListener {

	private boolean seen;

	@Override
	public void warningOccurred(ImageReader source, String warning) {
		this.seen |= warning.startsWith("Truncated File") || warning.contains("premature end");
	}

	boolean seen() {
		return this.seen;
	}

}
