package dev.tinyipc.demo.worker;

import javax.imageio.ImageReader;
import javax.imageio.event.IIOReadWarningListener;

/**
 * Notices a JPEG that ends too early. The reader fills the missing part with grey, and
 * reports that only as one of many, mostly harmless, warnings.
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
