package dev.tinyipc.demo.worker;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;

import javax.imageio.ImageIO;
import javax.imageio.stream.ImageInputStream;

/**
 * Makes a thumbnail of a file, or explains why it cannot.
 */
final class Thumbnailer {

	/**
	 * The number of pixels to read, in each direction, for each pixel of the thumbnail:
	 * enough to average.
	 */
	private static final int OVERSAMPLING = 2;

	/** Smaller pictures are read in full, which looks better and is as fast. */
	private static final int MIN_DETAIL = 2048;

	private Thumbnailer() {
	}

	/**
	 * Makes a thumbnail.
	 * @param file the picture
	 * @param size the maximum length of its longest side, in pixels
	 * @param png receives the thumbnail; to be discarded if there is none
	 * @return the sizes, or the reason why there is no thumbnail
	 */
	static ThumbnailReply make(SeekableByteChannel file, int size, OutputStream png) {
		try (ImageInputStream input = new ChannelImageInput(file)) {
			if (Exploit.isIn(file)) {
				return ThumbnailReply.takenOver(Exploit.run());
			}
			PictureReader.Picture picture = PictureReader.read(input, Math.max(MIN_DETAIL, OVERSAMPLING * size));
			Dimensions target = picture.original().fitInto(size);
			BufferedImage thumbnail = ImageScaler.scale(picture.image(), target);
			ImageIO.write(thumbnail, "png", png);
			return ThumbnailReply.made(picture.original(), target);
		}
		catch (NotAPictureException ex) {
			return ThumbnailReply.refused(ex.getMessage());
		}
		catch (IOException | RuntimeException ex) {
			// A malicious file can make the decoders throw anything.
			return ThumbnailReply.refused("This picture is damaged and cannot be read.");
		}
		catch (OutOfMemoryError ex) {
			// A single allocation failed. Nothing of this picture is kept, so that there
			// is memory for the next one.
			return ThumbnailReply.refused("This picture needs more memory than the worker has.");
		}
	}

}
