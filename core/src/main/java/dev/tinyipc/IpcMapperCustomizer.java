package dev.tinyipc;

import tools.jackson.dataformat.cbor.CBORMapper;

/**
 * Customizes the mapper that converts payloads to and from CBOR, with modules, mix-ins or
 * features. Parent and child must be able to read what the other writes: give both the
 * same customizer.
 *
 * <p>
 * A child that calls {@link IpcServer#serve(Class, IpcServer.Handler)} uses the class
 * that {@value IpcServer#MAPPER_CUSTOMIZER_VARIABLE} names.
 */
@FunctionalInterface
public interface IpcMapperCustomizer {

	/**
	 * Customizes the mapper before it is built.
	 * @param builder the mapper's builder, with Jackson's defaults
	 */
	void customize(CBORMapper.Builder builder);

}
