package dev.tinyipc;

import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

import org.jspecify.annotations.Nullable;

/**
 * What a program or a library says about the files that it needs ({@code elf(5)}). The
 * file may be anything: every offset is checked before it is used.
 *
 * <pre class="code">
 * Elf64_Ehdr (64)            Elf64_Phdr (56)         Elf64_Dyn (16)
 *  0  7f 45 4c 46             0  p_type    (4)        0  d_tag  (8)
 *  4  EI_CLASS (1), 2 = 64    8  p_offset  (8)        8  d_val  (8)
 *  5  EI_DATA  (1), 1 = LE   16  p_vaddr   (8)
 * 32  e_phoff     (8)        32  p_filesz  (8)
 * 54  e_phentsize (2)
 * 56  e_phnum     (2)
 * </pre>
 *
 * @param interpreter the path of the dynamic loader; null if there is none
 * @param libraries the names, or paths, of the libraries that it is linked with
 * @param folders where the loader looks for them first, which may contain {@code $ORIGIN}
 */
record ElfFile(@Nullable String interpreter, List<String> libraries, List<String> folders) {

	private static final int HEADER_SIZE = 64;

	/** The bytes 7f 45 4c 46, in little-endian order. */
	private static final int MAGIC = 0x464c457f;

	private static final int CLASS = 4;

	private static final int CLASS_64 = 2;

	private static final int DATA = 5;

	private static final int LITTLE_ENDIAN = 1;

	private static final int PROGRAM_HEADERS = 32;

	private static final int PROGRAM_HEADER_SIZE = 54;

	private static final int PROGRAM_HEADER_COUNT = 56;

	private static final int SEGMENT_SIZE = 56;

	private static final int SEGMENT_OFFSET = 8;

	private static final int SEGMENT_ADDRESS = 16;

	private static final int SEGMENT_FILE_SIZE = 32;

	/** The {@code PT_*} of {@code elf.h}. */
	private static final int LOAD = 1;

	private static final int DYNAMIC = 2;

	private static final int INTERP = 3;

	private static final int ENTRY_SIZE = 16;

	/** The {@code DT_*} of {@code elf.h}. */
	private static final int END = 0;

	private static final int NEEDED = 1;

	private static final int STRING_TABLE = 5;

	private static final int STRING_TABLE_SIZE = 10;

	private static final int RPATH = 15;

	private static final int RUNPATH = 29;

	/** More than any linker writes. */
	private static final int MAX_SIZE = 256 * 1024;

	private static final int MAX_STRING = 4096;

	/**
	 * Reads a file.
	 * @return what it says; null if it is not a 64-bit, little-endian ELF file
	 * @throws IOException if it cannot be read, or is malformed
	 */
	static @Nullable ElfFile read(Path path) throws IOException {
		try (FileChannel file = FileChannel.open(path)) {
			if (file.size() < HEADER_SIZE) {
				return null;
			}
			ByteBuffer header = bytes(file, 0, HEADER_SIZE);
			if (header.getInt(0) != MAGIC || header.get(CLASS) != CLASS_64 || header.get(DATA) != LITTLE_ENDIAN) {
				return null;
			}
			return new Parser(file, segments(file, header)).parse();
		}
	}

	private static List<Segment> segments(FileChannel file, ByteBuffer header) throws IOException {
		int count = Short.toUnsignedInt(header.getShort(PROGRAM_HEADER_COUNT));
		if (count > 0 && header.getShort(PROGRAM_HEADER_SIZE) != SEGMENT_SIZE) {
			throw new IOException("Malformed ELF file: program headers of another size");
		}
		ByteBuffer headers = bytes(file, header.getLong(PROGRAM_HEADERS), (long) count * SEGMENT_SIZE);
		List<Segment> segments = new ArrayList<>();
		for (int at = 0; at < headers.limit(); at += SEGMENT_SIZE) {
			segments.add(new Segment(headers.getInt(at), headers.getLong(at + SEGMENT_OFFSET),
					headers.getLong(at + SEGMENT_ADDRESS), headers.getLong(at + SEGMENT_FILE_SIZE)));
		}
		return segments;
	}

	/** Reads a part of the file, all of which must be there. */
	private static ByteBuffer bytes(FileChannel file, long offset, long size) throws IOException {
		if (offset < 0 || size < 0 || size > MAX_SIZE || offset > file.size() - size) {
			throw new IOException("Malformed ELF file: " + size + " bytes at " + offset + " of " + file.size());
		}
		ByteBuffer bytes = ByteBuffer.allocate((int) size).order(ByteOrder.LITTLE_ENDIAN);
		while (bytes.hasRemaining()) {
			if (file.read(bytes, offset + bytes.position()) < 0) {
				throw new EOFException("The file was truncated while it was read");
			}
		}
		return bytes.flip();
	}

	/** A part of the file, and the address at which it is mapped. */
	private record Segment(int type, long offset, long address, long size) {

		boolean contains(long virtual) {
			return this.type == LOAD && virtual >= this.address && virtual - this.address < this.size;
		}

	}

	private record Parser(FileChannel file, List<Segment> segments) {

		ElfFile parse() throws IOException {
			String interpreter = null;
			ByteBuffer dynamic = ByteBuffer.allocate(0);
			for (Segment segment : this.segments) {
				if (segment.type() == INTERP) {
					interpreter = string(segment.offset(), segment.size());
				}
				else if (segment.type() == DYNAMIC) {
					dynamic = bytes(this.file, segment.offset(), segment.size());
				}
			}
			List<String> runPath = strings(dynamic, RUNPATH);
			return new ElfFile(interpreter, strings(dynamic, NEEDED),
					split(runPath.isEmpty() ? strings(dynamic, RPATH) : runPath));
		}

		private List<String> strings(ByteBuffer dynamic, int tag) throws IOException {
			List<String> strings = new ArrayList<>();
			for (long value : values(dynamic, tag)) {
				long table = fileOffset(only(dynamic, STRING_TABLE));
				long size = only(dynamic, STRING_TABLE_SIZE);
				if (value < 0 || value >= size) {
					throw new IOException("Malformed ELF file: string " + value + " of a table of " + size);
				}
				strings.add(string(table + value, size - value));
			}
			return strings;
		}

		private static List<Long> values(ByteBuffer dynamic, int tag) {
			List<Long> values = new ArrayList<>();
			for (int at = 0; at + ENTRY_SIZE <= dynamic.limit() && dynamic.getLong(at) != END; at += ENTRY_SIZE) {
				if (dynamic.getLong(at) == tag) {
					values.add(dynamic.getLong(at + Long.BYTES));
				}
			}
			return values;
		}

		private static long only(ByteBuffer dynamic, int tag) throws IOException {
			List<Long> values = values(dynamic, tag);
			if (values.size() != 1) {
				throw new IOException("Malformed ELF file: " + values.size() + " dynamic entries " + tag);
			}
			return values.get(0);
		}

		private long fileOffset(long virtual) throws IOException {
			for (Segment segment : this.segments) {
				if (segment.contains(virtual)) {
					return segment.offset() + (virtual - segment.address());
				}
			}
			throw new IOException("Malformed ELF file: its strings are not in the file");
		}

		/** Ends with a NUL within the given size. */
		private String string(long offset, long size) throws IOException {
			long available = Math.min(Math.min(size, MAX_STRING), this.file.size() - offset);
			ByteBuffer bytes = bytes(this.file, offset, available);
			int length = 0;
			while (length < bytes.limit() && bytes.get(length) != 0) {
				length++;
			}
			if (length == bytes.limit()) {
				throw new IOException("Malformed ELF file: a string does not end");
			}
			return new String(bytes.array(), 0, length, StandardCharsets.UTF_8);
		}

		private static List<String> split(List<String> paths) {
			return paths.stream().flatMap((path) -> List.of(path.split(":")).stream()).toList();
		}

	}

}
