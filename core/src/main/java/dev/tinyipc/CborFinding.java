package dev.tinyipc;

/** What {@link CborCheck} has proven of a body. */
enum CborFinding {

	/** And nothing else. */
	WELL_FORMED,

	/** No map has a key twice. */
	UNIQUE_KEYS,

	/** Nor is there a tag in it, but for those around all of it. */
	UNIQUE_KEYS_WITHOUT_INNER_TAGS

}
