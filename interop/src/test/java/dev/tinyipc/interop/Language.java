package dev.tinyipc.interop;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/** A language that a child is written in, in a folder of the same name. */
enum Language {

	C("c", List.of("gcc", "make", "pkg-config"), List.of(List.of("make", "-s"))) {
		@Override
		List<String> command() {
			return List.of(built("child"));
		}
	},

	GO("go", List.of("go"), List.of(List.of("go", "build", "-o", "child", "."))) {
		@Override
		List<String> command() {
			return List.of(built("child"));
		}
	},

	JAVA("java", List.of(), List.of(List.of(Programs.java("javac"), "-cp", Programs.classPath(), "Child.java"))) {
		@Override
		List<String> command() {
			return List.of(Programs.java("java"), "--enable-native-access=ALL-UNNAMED", "-XX:TieredStopAtLevel=1",
					"-XX:+UseSerialGC", "-Xmx256m", "-cp", built("") + ':' + Programs.classPath(), "Child");
		}
	},

	NODE("node", List.of("node", "npm"),
			List.of(List.of("npm", "install", "--silent", "--no-audit", "--no-fund", "--no-package-lock"))) {
		@Override
		List<String> command() {
			return List.of("node", built("child.js"));
		}
	},

	PYTHON("python", List.of("python3"), List.of(List.of("python3", "-m", "venv", "venv"),
			List.of("venv/bin/pip", "install", "-q", "--disable-pip-version-check", "-r", "requirements.txt"))) {
		@Override
		List<String> command() {
			return python("child.py");
		}
	},

	/** Its library lies beside the child, as it would be installed. */
	PYTHON_LIBRARY("python-library", List.of("python3"), List.of(List.of("python3", "-m", "venv", "venv"), List
		.of("venv/bin/pip", "install", "-q", "--disable-pip-version-check", "-r", "../python/requirements.txt"))) {
		@Override
		List<String> command() {
			return List.of(built("venv/bin/python"), built("child.py"));
		}

		@Override
		void build() throws Exception {
			PYTHON.require();
			Programs.copy(Path.of("..", "python", "src"), Path.of(built("")));
			super.build();
		}
	},

	RUST("rust", List.of("cargo", "rustc"), List.of(List.of("cargo", "build", "-q", "--release"))) {
		@Override
		List<String> command() {
			return List.of(built("target/release/child"));
		}
	},

	RUST_TINY_NIX_IPC("rust-tiny-nix-ipc", List.of("cargo", "rustc"),
			List.of(List.of("cargo", "build", "-q", "--release"))) {
		@Override
		List<String> command() {
			return List.of(built("target/release/child"));
		}
	};

	private final String folder;

	private final List<String> tools;

	private final List<List<String>> build;

	private Exception failure;

	private boolean tried;

	Language(String folder, List<String> tools, List<List<String>> build) {
		this.folder = folder;
		this.tools = tools;
		this.build = build;
	}

	/** What starts the child. */
	abstract List<String> command();

	/** What starts another program of Python's. */
	static List<String> python(String script, String... arguments) {
		List<String> command = new ArrayList<>(List.of(PYTHON.built("venv/bin/python"), PYTHON.built(script)));
		command.addAll(List.of(arguments));
		return command;
	}

	/** A file that was built, or copied beside what was. */
	String built(String file) {
		return Programs.TARGET.resolve(this.folder).resolve(file).toAbsolutePath().toString();
	}

	/**
	 * Builds the child once. A test for which a tool is missing is skipped, or fails
	 * where nothing may be skipped.
	 */
	synchronized void require() throws Exception {
		Programs.require(toString(), this.tools);
		if (!this.tried) {
			this.tried = true;
			try {
				Programs.buildOnce(this.folder, this::build);
			}
			catch (Exception ex) {
				this.failure = ex;
			}
		}
		if (this.failure != null) {
			throw this.failure;
		}
	}

	/** In a copy, so that nothing that is made lies among the sources. */
	void build() throws Exception {
		Path directory = Path.of(built(""));
		Programs.copy(Path.of(this.folder), directory);
		for (List<String> command : this.build) {
			Programs.run(directory, command);
		}
	}

	/** Node's sockets carry no descriptors. */
	boolean passesDescriptors() {
		return this != NODE;
	}

	/** The crate receives and sends one packet a message. */
	boolean continuesFrames() {
		return this != RUST_TINY_NIX_IPC;
	}

	/**
	 * The crate takes a packet of 0 bytes for the end, also if it brings a descriptor.
	 */
	boolean tellsEmptyPacketsFromTheEnd() {
		return this != RUST_TINY_NIX_IPC;
	}

	/** Says hello where it is invited, and opens envelopes. */
	boolean converses() {
		return this != RUST_TINY_NIX_IPC;
	}

	/** Answers by streams where it is asked to. */
	boolean streams() {
		return converses();
	}

	/** Receives also while it answers. */
	boolean cancels() {
		return lanes() > 1 || this == NODE;
	}

	/** Is not told that its parent has closed its end before it has answered. */
	boolean finishesWhatItWorksOn() {
		return this == JAVA;
	}

	/** How many sockets it serves at a time. */
	int lanes() {
		return switch (this) {
			case GO, JAVA, PYTHON_LIBRARY, RUST -> 4;
			default -> 1;
		};
	}

	/** Accepts memory for its messages. */
	boolean memory() {
		return this == C || this == GO || this == JAVA || this == RUST;
	}

	/** Reads bulk data from shared blocks. */
	boolean blocks() {
		return this == C || this == GO || this == RUST;
	}

	@Override
	public String toString() {
		return this.folder;
	}

}
