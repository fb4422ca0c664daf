package dev.tinyipc.demo.worker;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.util.Iterator;
import java.util.Locale;

import javax.imageio.ImageIO;
import javax.imageio.ImageReadParam;
import javax.imageio.ImageReader;
import javax.imageio.stream.ImageInputStream;

/**
 * Reads untrusted pictures, and only as many pixels of a large one as are needed.
 */
final class PictureReader {

	/** More than most cameras produce, and decoded within seconds. */
	static final long MAX_PIXELS = 64_000_000;

	private PictureReader() {
	}

	/**
	 * Reads a picture.
	 * @param input the file
	 * @param detail the minimum length of the longest side in pixels, if it has that many
	 * @return the picture
	 * @throws IOException if the file is not a picture, or is damaged
	 */
	static Picture read(ImageInputStream input, int detail) throws IOException {
		Iterator<ImageReader> readers = ImageIO.getImageReaders(input);
		if (!readers.hasNext()) {
			throw new NotAPictureException("This is not a picture in a supported format: JPEG, PNG, GIF, BMP or TIFF.");
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
		// Checked before decoding: a small file can announce an enormous picture.
		if (size.pixels() > MAX_PIXELS) {
			throw new NotAPictureException(
					String.format(Locale.ENGLISH, "This picture has %,d × %,d pixels. The limit is %d million pixels.",
							size.width(), size.height(), MAX_PIXELS / 1_000_000));
		}
		ImageReadParam param = reader.getDefaultReadParam();
		int step = Math.max(1, size.longest() / detail);
		param.setSourceSubsampling(step, step, 0, 0);
		Truncation truncation = new Truncation();
		reader.addIIOReadWarningListener(truncation);
		BufferedImage image = reader.read(0, param);
		if (truncation.seen()) {
			throw new NotAPictureException("This picture is incomplete: the file ends too early.");
		}
		return new Picture(size, image);
	}

	/**
	 * A decoded picture.
	 *
	 * @param original the size of the picture in the file
	 * @param image the picture, possibly with fewer pixels
	 */
	record Picture(Dimensions original, BufferedImage image) {
	}

}
