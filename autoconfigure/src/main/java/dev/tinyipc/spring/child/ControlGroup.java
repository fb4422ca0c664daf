package dev.tinyipc.spring.child;

import org.jspecify.annotations.Nullable;

/**
 * A group of a child's process and all that it starts, for limits that hold for them
 * together, and so that nothing of it is left behind.
 */
interface ControlGroup {

	/** That of a process that has none of its own. */
	ControlGroup NONE = new ControlGroup() {

		@Override
		public boolean hasRunOut() {
			return false;
		}

		@Override
		public void remove() {
			// There is nothing to remove.
		}

	};

	/** Whether the kernel has ended processes of the group because it used too much. */
	boolean hasRunOut();

	/** Ends what is left in the group, whose process has ended, and removes it. */
	void remove();

	/** Makes groups. */
	@FunctionalInterface
	interface Factory {

		/**
		 * Puts a process that was just started into a group of its own, where that is
		 * possible.
		 * @param memory how much memory the group may use, in bytes, files in the cache
		 * included; null for no limit
		 * @param processes how many processes and threads it may have; null for no limit
		 * @return {@link #NONE} if there are no limits, or no groups
		 */
		ControlGroup put(long pid, @Nullable Long memory, @Nullable Long processes);

	}

}
