package dev.tinyipc.spring.child;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.stream.Stream;

import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIOException;

/** Which folders and files of class archives are trusted. */
class ArchiveFolderTests {

	private static final String NAME = "0123456789abcdef.jsa";

	private static final int SOMEBODY_ELSE = 65534;

	private final String home = System.getProperty("user.home");

	@TempDir
	private Path temporary;

	private Path folder;

	@BeforeEach
	void chooseFolder() {
		this.folder = this.temporary.resolve("above").resolve("archives");
	}

	@AfterEach
	void restoreHome() {
		System.setProperty("user.home", this.home);
	}

	@Test
	void itIsMadeForThisUserOnly() throws Exception {
		assertThat(open()).isEqualTo(this.folder.resolve(NAME)).doesNotExist();
		assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(this.folder))).isEqualTo("rwx------");
	}

	@ParameterizedTest
	@ValueSource(strings = { "rwxrwx---", "rwx----w-", "rwxrwxrwx" })
	void aFolderThatOthersCanWriteToIsRefused(String permissions) throws Exception {
		open();
		permit(this.folder, permissions);
		assertRefused(this.folder, "others can write to it");
	}

	@Test
	void aFolderThatOthersCanReplaceIsRefused() throws Exception {
		open();
		permit(this.folder.getParent(), "rwxrwxrwx");
		assertRefused(this.folder.getParent(), "others can write to it, and could replace what is in it");
	}

	@Test
	void nothingIsMadeInAFolderThatOthersCanReplace() throws Exception {
		Files.createDirectory(this.folder.getParent());
		permit(this.folder.getParent(), "rwxrwxrwx");
		assertRefused(this.folder.getParent(), "others can write to it, and could replace what is in it");
		assertThat(this.folder).doesNotExist();
	}

	@Test
	void aGroupThatCanReplaceTheFolderMustNotBeAbleToReachIt() throws Exception {
		open();
		permit(this.temporary, "rwxr-xr-x");
		permit(this.folder.getParent(), "rwxrwxr-x");
		assertRefused(this.folder.getParent(), "others can write to it, and could replace what is in it");
		permit(this.temporary, "rwx------");
		assertThat(open()).isEqualTo(this.folder.resolve(NAME));
	}

	@Test
	void aFolderMayBeInOneWhereOnlyOwnersRenameFiles() throws Exception {
		open();
		Files.setAttribute(this.folder.getParent(), "unix:mode", 01777);
		assertThat(open()).isEqualTo(this.folder.resolve(NAME));
	}

	@Test
	void aSymbolicLinkToNothingIsRefused() throws Exception {
		Path nothing = this.temporary.resolve("nothing");
		Files.createSymbolicLink(this.folder.getParent(), nothing);
		assertThatIOException().isThrownBy(this::open);
		assertThat(nothing).doesNotExist();
	}

	@Test
	void aFolderOfSomebodyElseIsRefused() throws Exception {
		open();
		give(this.folder);
		assertRefused(this.folder, "it belongs to another user");
	}

	@Test
	void aFolderInOneOfSomebodyElseIsRefused() throws Exception {
		open();
		give(this.folder.getParent());
		assertRefused(this.folder.getParent(), "it belongs to another user, who could replace what is in it");
	}

	@Test
	void aFolderThatIsASymbolicLinkIsRefused() throws Exception {
		Path target = Files.createDirectory(this.temporary.resolve("target"));
		Files.createDirectory(this.folder.getParent());
		Files.createSymbolicLink(this.folder, target);
		assertRefused(this.folder, "it is a symbolic link");
	}

	@Test
	void aFileInPlaceOfTheFolderIsRefused() throws Exception {
		Files.createDirectory(this.folder.getParent());
		Files.createFile(this.folder);
		assertRefused(this.folder, "it is not a directory");
	}

	@Test
	void anArchiveThatIsASymbolicLinkIsRefused() throws Exception {
		Path target = Files.createFile(this.temporary.resolve("target"));
		Files.createSymbolicLink(open(), target);
		assertRefused(this.folder.resolve(NAME), "it is not a regular file");
	}

	@Test
	void anArchiveOfSomebodyElseOrForEverybodyIsRefused() throws Exception {
		Path archive = Files.createFile(open());
		permit(archive, "rw-rw-rw-");
		assertRefused(archive, "others can write to it");
		permit(archive, "r--r--r--");
		assertThat(open()).isEqualTo(archive);
		give(archive);
		assertRefused(archive, "it belongs to another user");
	}

	@Test
	void anArchiveThatHasAnotherNameIsRefused() throws Exception {
		Path archive = Files.createFile(open());
		Files.createLink(this.temporary.resolve("link"), archive);
		assertRefused(archive, "it has other names, by which it could be changed");
	}

	@Test
	void aNewArchiveIsKeptReadOnlyWhateverTheJvmThoughtOfIt() throws Exception {
		Path archive = open();
		Path made = Files.writeString(Files.createFile(ArchiveFolder.unfinished(archive)), "content");
		permit(made, "rw-rw-rw-");
		ArchiveFolder.keep(made, archive);
		assertThat(PosixFilePermissions.toString(Files.getPosixFilePermissions(archive))).isEqualTo("r--------");
		assertThat(open()).isEqualTo(archive).hasContent("content");
		assertThat(made).doesNotExist();
	}

	@Test
	void aLinkThatAChildLeftInPlaceOfANewArchiveIsNotKept() throws Exception {
		Path archive = open();
		Path target = Files.writeString(this.temporary.resolve("target"), "content");
		Path made = Files.createSymbolicLink(ArchiveFolder.unfinished(archive), target);
		assertThatIOException().isThrownBy(() -> ArchiveFolder.keep(made, archive))
			.withMessage(made + ": it is not a regular file");
		assertThat(archive).doesNotExist();
		assertThat(made).doesNotExist();
		Files.createLink(made, target);
		assertThatIOException().isThrownBy(() -> ArchiveFolder.keep(made, archive))
			.withMessage(made + ": it has other names, by which it could be changed");
		assertThat(archive).doesNotExist();
	}

	@Test
	void aSymbolicLinkAboveTheFolderIsResolved() throws Exception {
		Path link = Files.createSymbolicLink(this.temporary.resolve("link"),
				Files.createDirectory(this.folder.getParent()));
		assertThat(new ArchiveFolder(link.resolve("archives")).file(NAME)).isEqualTo(this.folder.resolve(NAME));
	}

	@ParameterizedTest
	@ValueSource(strings = { "?", "", "relative" })
	void aUserWithoutAHomeHasNone(String home) {
		Assumptions.assumeTrue(System.getenv("XDG_CACHE_HOME") == null);
		System.setProperty("user.home", home);
		assertThatIOException().isThrownBy(() -> new ArchiveFolder(null).file(NAME))
			.withMessageContaining("ipc.class-sharing.directory");
		assertThat(Path.of("?")).doesNotExist();
	}

	@Test
	void thatOfTheUserIsInTheCache() throws Exception {
		Assumptions.assumeTrue(System.getenv("XDG_CACHE_HOME") == null);
		System.setProperty("user.home", this.temporary.toString());
		assertThat(new ArchiveFolder(null).file(NAME))
			.isEqualTo(this.temporary.resolve(".cache/tiny-ipc").resolve(NAME));
	}

	@Test
	void archivesThatNobodyHasUsedForLongAreRemovedAndOthersAndOtherFilesAreNot() throws Exception {
		Path used = Files.createFile(open());
		Path unused = Files.createFile(this.folder.resolve("aa.jsa"));
		Path unfinished = Files.createFile(this.folder.resolve("bb.jsa.8b1f"));
		Path foreign = Files.createFile(this.folder.resolve("notes.txt"));
		for (Path file : new Path[] { used, unused, unfinished, foreign }) {
			Files.setLastModifiedTime(file, FileTime.from(Instant.now().minus(Duration.ofDays(40))));
		}
		open();
		new ArchiveFolder(this.folder).file("cc.jsa");
		assertThat(unused).doesNotExist();
		assertThat(unfinished).doesNotExist();
		assertThat(used).exists();
		assertThat(foreign).exists();
	}

	@Test
	void thereIsALimitToTheNumberOfArchives() throws Exception {
		for (int i = 0; i < 100; i++) {
			Path archive = Files.createFile(new ArchiveFolder(this.folder).file("%x.jsa".formatted(1000 + i)));
			Files.setLastModifiedTime(archive, FileTime.from(Instant.now().minusSeconds(1000 - i)));
		}
		try (Stream<Path> files = Files.list(this.folder)) {
			assertThat(files).hasSize(32).contains(this.folder.resolve("%x.jsa".formatted(1099)));
		}
	}

	private Path open() throws IOException {
		return new ArchiveFolder(this.folder).file(NAME);
	}

	private void assertRefused(Path path, String reason) {
		assertThatIOException().isThrownBy(this::open).withMessage(path + ": " + reason);
	}

	private static void permit(Path path, String permissions) throws IOException {
		Files.setPosixFilePermissions(path, PosixFilePermissions.fromString(permissions));
	}

	private static void give(Path path) throws IOException {
		Assumptions.assumeTrue(System.getProperty("user.name").equals("root"), "only root can give a file away");
		Files.setAttribute(path, "unix:uid", SOMEBODY_ELSE, LinkOption.NOFOLLOW_LINKS);
	}

}
