package dev.tinyipc.demo.web;

import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.util.zip.CRC32;

import static java.nio.charset.StandardCharsets.US_ASCII;

/** The parts of a PNG (ISO/IEC 15948), for pictures that no encoder would make. */
final class PngFormat {

	static final byte[] SIGNATURE = { (byte) 0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n' };

	/** The length of the signature and of the chunk IHDR, in bytes. */
	static final int HEADER = SIGNATURE.length + 25;

	private PngFormat() {
	}

	static void writeChunk(ByteArrayOutputStream png, String type, byte[] content) throws IOException {
		CRC32 checksum = new CRC32();
		checksum.update(type.getBytes(US_ASCII));
		checksum.update(content);
		DataOutputStream data = new DataOutputStream(png);
		data.writeInt(content.length);
		data.writeBytes(type);
		data.write(content);
		data.writeInt((int) checksum.getValue());
	}

}
