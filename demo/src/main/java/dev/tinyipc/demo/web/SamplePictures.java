package dev.tinyipc.demo.web;

import java.awt.AlphaComposite;
import java.awt.Color;
import java.awt.GradientPaint;
import java.awt.Graphics2D;
import java.awt.RadialGradientPaint;
import java.awt.RenderingHints;
import java.awt.geom.Ellipse2D;
import java.awt.geom.Path2D;
import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;

import javax.imageio.ImageIO;

/** Draws the sample pictures. */
final class SamplePictures {

	private static final int WIDTH = 1600;

	private static final int HEIGHT = 1000;

	private SamplePictures() {
	}

	/** Hills in the evening, as a JPEG. */
	static byte[] landscape() throws IOException {
		BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_RGB);
		Graphics2D graphics = graphics(image);
		graphics.setPaint(new GradientPaint(0, 0, new Color(0x355c8c), 0, 0.65f * HEIGHT, new Color(0xf8c690)));
		graphics.fillRect(0, 0, WIDTH, HEIGHT);
		graphics.setPaint(new RadialGradientPaint(1050, 430, 420, new float[] { 0, 0.14f, 0.16f, 1 }, new Color[] {
				Color.WHITE, new Color(0xfff3d0), new Color(0x90ffe2b0, true), new Color(0xffe2b0, true) }));
		graphics.fillRect(0, 0, WIDTH, HEIGHT);
		for (int hill = 0; hill < 5; hill++) {
			float nearness = hill / 4f;
			graphics.setPaint(new Color(0.62f - 0.54f * nearness, 0.52f - 0.36f * nearness, 0.55f - 0.38f * nearness));
			graphics.fill(hill(480 + 105 * hill, 70 - 6 * hill, 2.1 * hill));
		}
		graphics.dispose();
		return encode(image, "jpeg");
	}

	private static Path2D hill(double height, double swing, double phase) {
		Path2D path = new Path2D.Double();
		path.moveTo(0, HEIGHT);
		for (int x = 0; x <= WIDTH; x += 4) {
			double wave = Math.sin(x / 290.0 + phase) + 0.45 * Math.sin(x / 117.0 + 3 * phase)
					+ 0.08 * Math.sin(x / 19.0 + 7 * phase);
			path.lineTo(x, height + swing * wave);
		}
		path.lineTo(WIDTH, HEIGHT);
		path.closePath();
		return path;
	}

	/** Three panes of coloured glass on a transparent background, as a PNG. */
	static byte[] glass() throws IOException {
		BufferedImage image = new BufferedImage(WIDTH, HEIGHT, BufferedImage.TYPE_INT_ARGB);
		Graphics2D graphics = graphics(image);
		graphics.setComposite(AlphaComposite.SrcOver.derive(0.6f));
		int[] colors = { 0x1b9e9a, 0xe0a526, 0xc6486b };
		for (int i = 0; i < colors.length; i++) {
			graphics.setPaint(new Color(colors[i]));
			double angle = Math.PI * (0.5 + i * 2 / 3.0);
			graphics.fill(new Ellipse2D.Double(WIDTH / 2 + 170 * Math.cos(angle) - 280,
					HEIGHT / 2 + 30 - 170 * Math.sin(angle) - 280, 560, 560));
		}
		graphics.dispose();
		return encode(image, "png");
	}

	/**
	 * The same glass with a chunk that every decoder skips except the worker's, which
	 * falls for it.
	 */
	static byte[] exploit() throws IOException {
		byte[] glass = glass();
		ByteArrayOutputStream exploit = new ByteArrayOutputStream();
		exploit.write(glass, 0, PngFormat.HEADER);
		PngFormat.writeChunk(exploit, "haCk", new byte[0]);
		exploit.write(glass, PngFormat.HEADER, glass.length - PngFormat.HEADER);
		return exploit.toByteArray();
	}

	private static Graphics2D graphics(BufferedImage image) {
		Graphics2D graphics = image.createGraphics();
		graphics.setRenderingHint(RenderingHints.KEY_ANTIALIASING, RenderingHints.VALUE_ANTIALIAS_ON);
		return graphics;
	}

	private static byte[] encode(BufferedImage image, String format) throws IOException {
		ByteArrayOutputStream encoded = new ByteArrayOutputStream();
		ImageIO.write(image, format, encoded);
		return encoded.toByteArray();
	}

}
