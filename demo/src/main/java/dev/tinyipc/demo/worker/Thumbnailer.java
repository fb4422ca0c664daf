package dev.tinyipc.demo.worker;

import java.awt.image.BufferedImage;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.channels.SeekableByteChannel;

import javax.imageio.ImageIO;
import javax.imageio.stream.ImageInputStream;

/**
 * Makes a thumbnail out of whatever a file holds, or says why it cannot.
 */
final class Thumbnailer {

	/**
	 * So many pixels are read for each that is wanted, in each direction: enough to
	 * average.
	 */
	private static final int OVERSAMPLING = 2;

	/** Pictures up to here are read in full: it takes no longer, and looks better. */
	private static final int MIN_DETAIL = 2048;

	private Thumbnailer() {
	}

	/**
	 * Makes a thumbnail.
	 * @param file the picture
	 * @param size what its longest side becomes, if it is longer
	 * @param png takes the thumbnail; if there is none, what was written is of no use
	 * @return the sizes, or the reason why there is no thumbnail
	 */
	static ThumbnailReply make(SeekableByteChannel file, int size, OutputStream png) {
		try (ImageInputStream input = new ChannelImageInput(file)) {
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
			// The decoders throw anything at a file that was made to break them.
			return ThumbnailReply.refused("This picture is broken and cannot be read.");
		}
		catch (OutOfMemoryError ex) {
			// One array was not to be had. Nothing of this picture is kept, so that the
			// next one finds the memory that it needs.
			return ThumbnailReply.refused("This picture takes more memory than there is for one.");
		}
	}

}
