package dev.tinyipc.benchmark;

/** On which processors the parent and the child of every contender run. */
enum Layout {

	/** The parent on one, the children on another one. */
	DIFFERENT_CORES("", "the parent is kept on one processor, its children on another"),

	/** Both on one. */
	SAME_CORE(", same core", "parent and child are kept on one processor"),

	/** Wherever the kernel puts them: several that are busy, or one that just starts. */
	FREE("", "not pinned, since more than two processes or one that just starts take part"),

	/** As {@link #FREE}, while others want the processors too. */
	BUSY(", busy", "not pinned, while four other programs are busy");

	private final String suffix;

	private final String description;

	Layout(String suffix, String description) {
		this.suffix = suffix;
		this.description = description;
	}

	boolean isPinned() {
		return this == DIFFERENT_CORES || this == SAME_CORE;
	}

	/** Behind the name of a work. */
	String suffix() {
		return this.suffix;
	}

	String description() {
		return this.description;
	}

}
