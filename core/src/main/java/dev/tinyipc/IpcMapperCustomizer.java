package dev.tinyipc;

import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Changes the mapper that turns payloads into CBOR and back, by modules, mix-ins or
 * features. Parent and child must read what the other writes: give both the same one.
 *
 * <p>
 * A child that calls {@link IpcServer#serve(Class, IpcServer.Handler)} takes the class
 * that {@value IpcServer#MAPPER_CUSTOMIZER_VARIABLE} names.
 */
@FunctionalInterface
public interface IpcMapperCustomizer {

	/**
	 * Changes the builder of the mapper, which is otherwise as Jackson makes it.
	 * @param builder makes the mapper afterwards
	 */
	void customize(CBORMapper.Builder builder);

}
