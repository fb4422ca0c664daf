package dev.tinyipc;

/**
 * The arguments of {@code posix_spawnp(3)}, as addresses of memory that the caller keeps.
 *
 * @param pid where the process id is put
 * @param file the program
 * @param fileActions what happens to the descriptors
 * @param attributes what else is set in the child
 * @param arguments the program's arguments
 * @param environment the program's environment
 */
record SpawnArguments(long pid, long file, long fileActions, long attributes, long arguments, long environment) {

	/** Returns the error number, 0 if the program was started. */
	int spawn() {
		return LibC.Spawn.posix_spawnp(this.pid, this.file, this.fileActions, this.attributes, this.arguments,
				this.environment);
	}

}
