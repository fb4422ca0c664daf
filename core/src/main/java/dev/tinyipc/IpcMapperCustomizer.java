package dev.tinyipc;

import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Configures the mapper that writes and reads messages. Both ends of a socket need the
 * same configuration: a name that only one of them spells differently is a field that
 * silently stays empty.
 */
@FunctionalInterface
public interface IpcMapperCustomizer {

	/**
	 * Configures the mapper, which without this is a plain {@link CBORMapper}.
	 * @param builder changes to which count
	 */
	void customize(CBORMapper.Builder builder);

}
