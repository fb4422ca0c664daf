package dev.tinyipc;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Random;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

class ElfFileTests {

	private static final Path JAVA = Path.of(System.getProperty("java.home"), "bin", "java");

	private static final int PROGRAM_HEADERS = 32;

	private static final int PROGRAM_HEADER_COUNT = 56;

	@TempDir
	private Path folder;

	@Test
	void aProgramNamesItsInterpreterItsLibrariesAndTheirFolders() throws IOException {
		ElfFile java = ElfFile.read(JAVA);
		assertThat(java).isNotNull();
		assertThat(java.interpreter()).startsWith("/lib").contains("/ld-linux");
		assertThat(java.libraries()).contains("libjli.so", "libc.so.6");
		assertThat(java.folders()).contains("$ORIGIN/../lib");
	}

	@Test
	void aLibraryHasNoInterpreter() throws IOException {
		ElfFile library = ElfFile.read(JAVA.resolveSibling("../lib/server/libjvm.so"));
		assertThat(library).isNotNull();
		assertThat(library.interpreter()).isNull();
		assertThat(library.libraries()).contains("libc.so.6");
	}

	@Test
	void whatIsNoElfFileIsNone() throws IOException {
		assertThat(ElfFile.read(write(new byte[0]))).isNull();
		assertThat(ElfFile.read(write(new byte[1000]))).isNull();
		assertThat(ElfFile.read(write(Arrays.copyOf(new byte[] { 0x7f, 'E', 'L', 'F' }, 63)))).isNull();
		byte[] of32Bits = Files.readAllBytes(JAVA);
		of32Bits[4] = 1;
		assertThat(ElfFile.read(write(of32Bits))).isNull();
	}

	@Test
	void offsetsBeyondTheFileAreRefused() throws IOException {
		byte[] original = Files.readAllBytes(JAVA);
		for (long offset : new long[] { original.length, Long.MAX_VALUE, -1, Long.MIN_VALUE }) {
			byte[] changed = original.clone();
			ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putLong(PROGRAM_HEADERS, offset);
			Path file = write(changed);
			assertThatExceptionOfType(IOException.class).isThrownBy(() -> ElfFile.read(file))
				.withMessageStartingWith("Malformed ELF file: ");
		}
		byte[] changed = original.clone();
		ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN).putShort(PROGRAM_HEADER_COUNT, (short) -1);
		Path file = write(changed);
		assertThatExceptionOfType(IOException.class).isThrownBy(() -> ElfFile.read(file));
	}

	/** Either it is understood, or refused by the exception that says so. */
	@Test
	void aDamagedFileDoesNoHarm() throws IOException {
		byte[] original = Files.readAllBytes(JAVA);
		Random random = new Random(7);
		int refused = 0;
		for (int i = 0; i < 3000; i++) {
			byte[] changed = (i % 3 == 0) ? Arrays.copyOf(original, 64 + random.nextInt(original.length - 64))
					: original.clone();
			for (int j = 0; j < 4; j++) {
				// The headers, and the segments behind them
				changed[6 + random.nextInt(Math.min(changed.length, 1000) - 6)] = (byte) random.nextInt();
			}
			try {
				ElfFile.read(write(changed));
			}
			catch (IOException ex) {
				refused++;
			}
		}
		assertThat(refused).isBetween(100, 2999);
	}

	private Path write(byte[] content) throws IOException {
		return Files.write(this.folder.resolve("file"), content);
	}

}
