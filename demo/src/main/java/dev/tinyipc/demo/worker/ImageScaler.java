package dev.tinyipc.demo.worker;

import java.awt.Graphics2D;
import java.awt.RenderingHints;
import java.awt.image.BufferedImage;

/**
 * Scales pictures down in steps of one half, in which each pixel becomes the average of
 * four, so that fine detail does not turn into noise. Transparency is preserved.
 */
final class ImageScaler {

	private ImageScaler() {
	}

	static BufferedImage scale(BufferedImage image, Dimensions target) {
		boolean opaque = !image.getColorModel().hasAlpha();
		// Transparent pixels have a colour too, which must not bleed into their
		// neighbours.
		int type = opaque ? BufferedImage.TYPE_INT_RGB : BufferedImage.TYPE_INT_ARGB_PRE;
		BufferedImage current = image;
		do {
			int width = next(current.getWidth(), target.width());
			int height = next(current.getHeight(), target.height());
			current = draw(current, width, height, type);
		}
		while (current.getWidth() != target.width() || current.getHeight() != target.height());
		return opaque ? current : draw(current, target.width(), target.height(), BufferedImage.TYPE_INT_ARGB);
	}

	private static int next(int length, int target) {
		return (length >= 2 * target) ? Math.max(target, (length + 1) / 2) : target;
	}

	private static BufferedImage draw(BufferedImage image, int width, int height, int type) {
		BufferedImage drawn = new BufferedImage(width, height, type);
		Graphics2D graphics = drawn.createGraphics();
		try {
			graphics.setRenderingHint(RenderingHints.KEY_INTERPOLATION, RenderingHints.VALUE_INTERPOLATION_BILINEAR);
			graphics.drawImage(image, 0, 0, width, height, null);
		}
		finally {
			graphics.dispose();
		}
		return drawn;
	}

}
