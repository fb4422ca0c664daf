package dev.tinyipc;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;

import tools.jackson.dataformat.cbor.CBORMapper;

/** What a parent tells its child through the environment. */
final class ParentSettings {

	private ParentSettings() {
	}

	static boolean invitesHello() {
		return "1".equals(System.getenv(IpcServer.HELLO_VARIABLE));
	}

	static IpcChannel channelOver(IpcSocket socket) throws IpcException {
		String customizer = System.getenv(IpcServer.MAPPER_CUSTOMIZER_VARIABLE);
		IpcChannel channel = (customizer != null) ? IpcChannel.over(socket, mapper(customizer))
				: IpcChannel.over(socket);
		String bytes = System.getenv(IpcServer.MAX_MESSAGE_SIZE_VARIABLE);
		return (bytes != null) ? channel.withMaxMessageSize(maxMessageSize(bytes)) : channel;
	}

	private static int maxMessageSize(String bytes) throws IpcException {
		try {
			return IpcChannel.checkMaxMessageSize(Integer.parseInt(bytes));
		}
		catch (IllegalArgumentException ex) {
			throw new IpcException(environment(IpcServer.MAX_MESSAGE_SIZE_VARIABLE, bytes)
					+ "which is not a number of bytes from 1 to " + Frame.MAX_BODY_SIZE
					+ ": correct it, or remove it from the environment", ex);
		}
	}

	/**
	 * How many bytes of a message may be in blocks.
	 * @return 0 if none
	 */
	static int maxBlocksSize() throws IpcException {
		String bytes = System.getenv(IpcServer.BLOCKS_VARIABLE);
		try {
			return (bytes != null)
					? IpcChannel.checkBlocksSize((int) Math.min(Long.parseLong(bytes), Integer.MAX_VALUE)) : 0;
		}
		catch (IllegalArgumentException ex) {
			throw new IpcException(
					environment(IpcServer.BLOCKS_VARIABLE, String.valueOf(bytes))
							+ "which is not a number of bytes from 0: correct it, or remove it from the environment",
					ex);
		}
	}

	private static CBORMapper mapper(String customizer) throws IpcException {
		try {
			CBORMapper.Builder builder = IpcChannel.mapperBuilder();
			create(customizer).customize(builder);
			return builder.build();
		}
		catch (ReflectiveOperationException | RuntimeException | LinkageError ex) {
			Throwable cause = (ex instanceof InvocationTargetException) ? ex.getCause() : ex;
			throw new IpcException(environment(IpcServer.MAPPER_CUSTOMIZER_VARIABLE, customizer)
					+ "which cannot be used: it must name a class on the class path that implements "
					+ IpcMapperCustomizer.class.getSimpleName() + " and has a constructor without parameters. " + cause,
					cause);
		}
	}

	private static IpcMapperCustomizer create(String name) throws ReflectiveOperationException {
		Class<?> type = Class.forName(name, true, Thread.currentThread().getContextClassLoader());
		Constructor<? extends IpcMapperCustomizer> constructor = type.asSubclass(IpcMapperCustomizer.class)
			.getDeclaredConstructor();
		constructor.trySetAccessible(); // neither needs to be public
		return constructor.newInstance();
	}

	private static String environment(String variable, String value) {
		return "The environment says " + variable + '=' + value + ", ";
	}

}
