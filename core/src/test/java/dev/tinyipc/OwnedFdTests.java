package dev.tinyipc;

import java.nio.ByteBuffer;
import java.nio.file.FileSystem;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.Map;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static java.nio.file.StandardOpenOption.APPEND;
import static java.nio.file.StandardOpenOption.CREATE;
import static java.nio.file.StandardOpenOption.CREATE_NEW;
import static java.nio.file.StandardOpenOption.DELETE_ON_CLOSE;
import static java.nio.file.StandardOpenOption.DSYNC;
import static java.nio.file.StandardOpenOption.READ;
import static java.nio.file.StandardOpenOption.SPARSE;
import static java.nio.file.StandardOpenOption.SYNC;
import static java.nio.file.StandardOpenOption.TRUNCATE_EXISTING;
import static java.nio.file.StandardOpenOption.WRITE;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

/** One descriptor: how it is made, opened, given away and closed. */
@Timeout(60)
class OwnedFdTests {

	private static final int O_ACCMODE = 3;

	@TempDir
	Path folder;

	@Test
	void optionsMeanToTheKernelWhatTheyMeanToTheJdk() throws Exception {
		assertThat(flagsOf()).isEqualTo(LibC.O_RDONLY);
		assertThat(flagsOf(READ)).isEqualTo(LibC.O_RDONLY);
		assertThat(flagsOf(WRITE)).isEqualTo(LibC.O_WRONLY);
		assertThat(flagsOf(READ, WRITE)).isEqualTo(LibC.O_RDWR);
		assertThat(flagsOf(APPEND)).isEqualTo(LibC.O_WRONLY | LibC.O_APPEND);
		assertThat(flagsOf(READ, APPEND)).isEqualTo(LibC.O_RDWR | LibC.O_APPEND);
		assertThat(flagsOf(WRITE, DSYNC)).isEqualTo(LibC.O_WRONLY | LibC.O_DSYNC);
		assertThat(flagsOf(WRITE, SYNC)).isEqualTo(LibC.O_WRONLY | LibC.O_SYNC);
		assertThat(flagsOf(WRITE, SPARSE)).isEqualTo(LibC.O_WRONLY);
	}

	private int flagsOf(OpenOption... options) throws Exception {
		Path file = Files.writeString(this.folder.resolve("flags"), "x");
		try (OwnedFd descriptor = OwnedFd.open(file, options)) {
			assertThat(Samples.isCloseOnExec(descriptor.fd())).isTrue();
			return Samples.flags(descriptor.fd()) & (O_ACCMODE | LibC.O_APPEND | LibC.O_SYNC);
		}
	}

	@Test
	void missingFileIsCreatedOnlyWhereThatWasSaid() throws Exception {
		Path file = this.folder.resolve("new");
		for (OpenOption[] options : new OpenOption[][] { {}, { READ }, { WRITE }, { READ, CREATE }, { CREATE_NEW } }) {
			assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(file, options))
				.withMessageContaining("open(" + file + ")")
				.withMessageContaining("ENOENT (No such file or directory)");
			assertThat(file).doesNotExist();
		}
		OwnedFd.open(file, WRITE, CREATE_NEW).close();
		assertThat(file).exists();
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(file, WRITE, CREATE_NEW))
			.withMessageContaining("EEXIST");
		OwnedFd.open(file, APPEND, CREATE).close();
	}

	@Test
	void newFileHasThePermissionsThatTheUmaskLets() throws Exception {
		OwnedFd.open(this.folder.resolve("ours"), WRITE, CREATE).close();
		Files.createFile(this.folder.resolve("theirs"));
		assertThat(Files.getPosixFilePermissions(this.folder.resolve("ours")))
			.isEqualTo(Files.getPosixFilePermissions(this.folder.resolve("theirs")));
	}

	@Test
	void contentIsTruncatedOnlyWhereThatWasSaidAndWritten() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "content");
		OwnedFd.open(file, TRUNCATE_EXISTING).close();
		OwnedFd.open(file, WRITE, CREATE).close();
		assertThat(file).hasContent("content");
		OwnedFd.open(file, WRITE, TRUNCATE_EXISTING).close();
		assertThat(file).isEmptyFile();
	}

	@Test
	void linkIsFollowedUnlessForbidden() throws Exception {
		Path link = Files.createSymbolicLink(this.folder.resolve("link"),
				Files.writeString(this.folder.resolve("f"), "x"));
		try (OwnedFd followed = OwnedFd.open(link)) {
			assertThat(Samples.content(followed)).isEqualTo("x");
		}
		assertThatExceptionOfType(IpcException.class)
			.isThrownBy(() -> OwnedFd.open(link, READ, LinkOption.NOFOLLOW_LINKS))
			.withMessageContaining("ELOOP");
	}

	@Test
	void fileThatIsDeletedOnCloseLosesItsNameAtOnceAndItsContentWithItsLastDescriptor() throws Exception {
		Path file = Files.writeString(this.folder.resolve("gone"), "still here");
		try (OwnedFd descriptor = OwnedFd.open(file, READ, DELETE_ON_CLOSE)) {
			assertThat(file).doesNotExist();
			assertThat(new String(descriptor.inputStream().readAllBytes())).isEqualTo("still here");
		}
	}

	@Test
	void optionThatMeansNothingHereIsRefused() throws Exception {
		Path file = Files.writeString(this.folder.resolve("file"), "x");
		LeakWatch watch = new LeakWatch();
		OpenOption other = new OpenOption() {
		};
		assertThatExceptionOfType(UnsupportedOperationException.class).isThrownBy(() -> OwnedFd.open(file, other));
		assertThatExceptionOfType(NullPointerException.class).isThrownBy(() -> OwnedFd.open(file, READ, null));
		assertThat(StandardCopyOption.ATOMIC_MOVE).isNotInstanceOf(OpenOption.class);
		watch.assertNoneLeft();
	}

	@Test
	void directoriesAndPathsThatDoNotWorkAreNamed() throws Exception {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(this.folder, WRITE))
			.withMessageContaining("EISDIR");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(Path.of("/etc/passwd/x")))
			.withMessageContaining("ENOTDIR");
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(Path.of("x".repeat(300))))
			.withMessageContaining("ENAMETOOLONG");
		assertThatIllegalArgumentException().isThrownBy(() -> OwnedFd.open(Path.of("a\0b")));
	}

	/** The kernel would open the host's file of that name. */
	@Test
	void pathOfAnotherFileSystemIsRefusedAndNothingStaysOpen() throws Exception {
		Path host = Files.writeString(this.folder.resolve("of-the-host"), "x");
		Path archive = this.folder.resolve("archive.zip");
		try (FileSystem zip = FileSystems.newFileSystem(archive, Map.of("create", "true"))) {
			Path inside = zip.getPath(host.toString());
			LeakWatch watch = new LeakWatch();
			for (OpenOption[] options : new OpenOption[][] { {}, { READ, DELETE_ON_CLOSE }, { WRITE, CREATE } }) {
				assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.open(inside, options))
					.withMessageContaining("of type jar");
			}
			watch.assertNoneLeft();
			assertThat(host).exists();
		}
	}

	@Test
	void nameOutsideAsciiIsOpened() throws Exception {
		Path file = Files.writeString(this.folder.resolve("grün \"und\"\nmehr"), "x");
		try (OwnedFd descriptor = OwnedFd.open(file)) {
			assertThat(Samples.content(descriptor)).isEqualTo("x");
		}
	}

	@Test
	void numberThatIsNotOpenIsNotAdopted() {
		assertThatExceptionOfType(IpcException.class).isThrownBy(() -> OwnedFd.adopt(1_000_000))
			.withMessageContaining("fcntl(1000000, F_GETFD) failed: EBADF (Bad file descriptor)");
	}

	@Test
	void duplicateIsAnotherNumberOfTheSameOpenFile() throws Exception {
		try (OwnedFd file = Samples.memoryFile("0123"); OwnedFd copy = file.duplicate()) {
			assertThat(copy.fd()).isNotEqualTo(file.fd());
			assertThat(Samples.isCloseOnExec(copy.fd())).isTrue();
			Lseek.lseek(file.fd(), 2, 0);
			assertThat(Lseek.lseek(copy.fd(), 0, Lseek.SEEK_CUR)).as("offset in common").isEqualTo(2);
			file.close();
			assertThat(Samples.content(copy)).isEqualTo("0123");
			assertThatExceptionOfType(IpcException.class).isThrownBy(file::duplicate)
				.withMessageContaining("closed on this side");
		}
	}

	@Test
	void pipeCarriesBytesAndTheEnd() throws Exception {
		try (OwnedFd.Pipe pipe = OwnedFd.pipe()) {
			assertThat(Samples.isCloseOnExec(pipe.source().fd())).isTrue();
			assertThat(Samples.isCloseOnExec(pipe.sink().fd())).isTrue();
			pipe.sink().outputStream().write("through".getBytes());
			pipe.sink().close();
			assertThat(new String(pipe.source().inputStream().readAllBytes())).isEqualTo("through");
		}
	}

	@Test
	void closingTwiceClosesOnce() throws Exception {
		OwnedFd first = Samples.memoryFile("first");
		int number = first.fd();
		first.close();
		assertThat(first.isClosed()).isTrue();
		OwnedFd second = OwnedFd.of(LibC.fcntl(0, LibC.F_DUPFD_CLOEXEC, number));
		assertThat(second.fd()).as("the number is used again").isEqualTo(number);
		first.close();
		assertThat(Samples.target(number)).isEqualTo(Samples.target(0));
		second.close();
		assertThatIllegalStateException().isThrownBy(first::fd).withMessageContaining("closed on this side");
	}

	@Test
	void numberIsReleasedOnlyWhenTheLastBorrowerHasLeft() throws Exception {
		OwnedFd file = Samples.memoryFile("borrowed");
		int number = file.borrow();
		file.borrow();
		file.close();
		file.close();
		assertThatExceptionOfType(IpcException.class).isThrownBy(file::borrow);
		file.giveBack();
		assertThat(Samples.target(number)).contains("memfd");
		file.giveBack();
		assertThat(Samples.target(number)).isEqualTo("nothing");
	}

	@Test
	void detachedNumberIsNotClosedAnyMore() throws Exception {
		OwnedFd file = Samples.memoryFile("mine now");
		int number = file.borrow();
		assertThatIllegalStateException().isThrownBy(file::detach).withMessageContaining("in use by another thread");
		file.giveBack();
		assertThat(file.detach()).isEqualTo(number);
		file.close();
		assertThatIllegalStateException().isThrownBy(file::detach);
		try (OwnedFd again = OwnedFd.adopt(number)) {
			assertThat(Samples.content(again)).isEqualTo("mine now");
		}
	}

	/**
	 * Rights are checked when a file is opened; whoever holds the descriptor has them.
	 */
	@Test
	void fileThatThisUserCannotOpenIsReadThroughTheDescriptor() throws Exception {
		Path secret = Files.writeString(this.folder.resolve("secret"), "top secret");
		Files.setPosixFilePermissions(secret, PosixFilePermissions.fromString("---------"));
		List<String> command = new ChildJvm(SecretReader.class, secret.toString()).asNobody(this.folder).command();
		boolean root = "root".equals(System.getProperty("user.name"));
		try (IpcProcess child = new IpcProcessBuilder(command).redirectErrorStream(true).start()) {
			if (root) {
				try (OwnedFd opened = OwnedFd.open(secret)) {
					child.socket().send(Samples.bytes("x"), opened);
				}
			}
			else {
				child.socket().close();
			}
			String output = new String(child.getInputStream().readAllBytes());
			assertThat(output).contains("by path: EACCES\n").contains(root ? "by descriptor: top secret\n" : "");
			child.waitFor();
		}
	}

	static final class SecretReader {

		public static void main(String[] args) throws Exception {
			try {
				OwnedFd.open(Path.of(args[0]));
			}
			catch (IpcException ex) {
				System.out.println("by path: " + (ex.getMessage().contains("EACCES") ? "EACCES" : ex.getMessage()));
			}
			try (Packet packet = IpcSocket.inherited().orElseThrow().receive(ByteBuffer.allocate(1))) {
				if (packet != null) {
					System.out.println(
							"by descriptor: " + new String(packet.descriptors().get(0).inputStream().readAllBytes()));
				}
			}
		}

	}

}
