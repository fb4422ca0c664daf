package dev.tinyipc.demo.worker;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.Iterator;

import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Reads pictures that a stranger sent, and of a large one only as many pixels as are
 * wanted.
 */
final class PictureReader {

	/** More than cameras make, and little enough to be decoded in seconds. */
	static final long MAX_PIXELS = 64_000_000;

	private PictureReader() {
	}

	/**
	 * Reads a picture.
	 * @param input the file
	 * @param detail how long the longest side must be at least, if it is that long
	 * @return the picture
	 * @throws IOException if there is none, or it is broken
	 */
	static Picture read(ImageInputStream input, int detail) throws IOException {
		Iterator<ImageReader> readers = ImageIO.getImageReaders(input);
		if (!readers.hasNext()) {
			throw new NotAPictureException(
					"This is not a picture, or not in a format that is known here: JPEG, PNG, GIF, BMP or TIFF.");
		}
		ImageReader reader = readers.next();
		try {
			reader.setInput(input, true, true);
			return read(reader, detail);
		}
		finally {
			reader.dispose();
		}
	}

	private static Picture read(ImageReader reader, int detail) throws IOException {
		Dimensions size = new Dimensions(reader.getWidth(0), reader.getHeight(0));
		// Before a byte is decoded: a small file can announce an enormous picture.
		if (size.pixels() > MAX_PIXELS) {
			throw new NotAPictureException("This picture has %d × %d pixels, and more than %d million are not accepted."
				.formatted(size.width(), size.height(), MAX_PIXELS / 1_000_000));
		}
		ImageReadParam param = reader.getDefaultReadParam();
		int step = Math.max(1, size.longest() / detail);
		param.setSourceSubsampling(step, step, 0, 0);
		Truncation truncation = new Truncation();
		reader.addIIOReadWarningListener(truncation);
		BufferedImage image = reader.read(0, param);
		if (truncation.seen()) {
			throw new NotAPictureException("This picture is incomplete: the file ends before the picture does.");
		}
		return new Picture(size, image);
	}

	/**
	 * A picture in memory.
	 *
	 * @param original the size of the picture in the file
	 * @param image the picture, maybe with fewer pixels
	 */
	record Picture(Dimensions original, BufferedImage image) {
	}

}
