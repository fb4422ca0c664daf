package dev.tinyipc.demo;

import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.Random;

import javax.imageio.ImageIO;

/** Pictures, and files that claim to be some. */
public final class Pictures {

	/** As a camera makes them. */
	public static final int PHOTO_WIDTH = 4000;

	/** As a camera makes them. */
	public static final int PHOTO_HEIGHT = 3000;

	private Pictures() {
	}

	/** A photograph of 12 megapixels, with the noise that makes it hard to compress. */
	public static byte[] photo() {
		return Photo.JPEG;
	}

	public static byte[] truncatedPhoto() {
		return Arrays.copyOf(photo(), photo().length / 2);
	}

	public static byte[] text() {
		return "This is a text file, whatever its name says.\n".repeat(100).getBytes();
	}

	public static byte[] empty() {
		return new byte[0];
	}

	/** A small file that takes 900 megapixels when it is decoded. */
	public static byte[] bomb() {
		byte[] png = encode(new BufferedImage(1, 1, BufferedImage.TYPE_BYTE_BINARY), "png");
		// The width and height of the IHDR chunk, behind signature, length and type.
		System.arraycopy(new byte[] { 0, 0, 0x75, 0x30, 0, 0, 0x75, 0x30 }, 0, png, 16, 8);
		return png;
	}

	/** A red disc on transparent ground. */
	public static BufferedImage disc(int width, int height) {
		BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_ARGB);
		Graphics2D graphics = image.createGraphics();
		graphics.setColor(Color.RED);
		graphics.fillOval(width / 4, height / 4, width / 2, height / 2);
		graphics.dispose();
		return image;
	}

	public static BufferedImage gradient(int width, int height) {
		BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_INT_RGB);
		Graphics2D graphics = image.createGraphics();
		graphics.setPaint(new GradientPaint(0, 0, Color.BLUE, width, height, Color.ORANGE));
		graphics.fillRect(0, 0, width, height);
		graphics.dispose();
		return image;
	}

	public static byte[] encode(BufferedImage image, String format) {
		ByteArrayOutputStream out = new ByteArrayOutputStream();
		try {
			if (!ImageIO.write(image, format, out)) {
				throw new IllegalArgumentException("Nothing here writes " + format);
			}
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
		return out.toByteArray();
	}

	public static BufferedImage decode(byte[] picture) {
		try {
			return ImageIO.read(new ByteArrayInputStream(picture));
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** Made once, and only for those who want it. */
	private static final class Photo {

		static final byte[] JPEG = encode(noisy(gradient(PHOTO_WIDTH, PHOTO_HEIGHT)), "jpeg");

		private static BufferedImage noisy(BufferedImage image) {
			Random random = new Random(1);
			int[] row = new int[image.getWidth()];
			for (int y = 0; y < image.getHeight(); y++) {
				image.getRGB(0, y, row.length, 1, row, 0, row.length);
				for (int x = 0; x < row.length; x++) {
					row[x] ^= random.nextInt() & 0x0f0f0f;
				}
				image.setRGB(0, y, row.length, 1, row, 0, row.length);
			}
			return image;
		}

	}

}
