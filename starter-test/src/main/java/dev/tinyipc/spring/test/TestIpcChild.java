package dev.tinyipc.spring.test;

import java.nio.file.Path;
import java.util.function.Consumer;

import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcException;
import dev.tinyipc.IpcServer;
import dev.tinyipc.IpcServerBuilder;

/**
 * The handlers that take the place of a declared child in a test, as a bean. See
 * {@link AutoConfigureTestIpc}.
 */
public final class TestIpcChild {

	/** As many requests at a time as anybody declares in a test. */
	private static final int THREADS = 16;

	private final String name;

	private final Server server;

	private TestIpcChild(String name, Server server) {
		this.name = name;
		this.server = server;
	}

	/**
	 * Answers by handlers.
	 * @param child the child's name, as it is declared
	 * @param handlers adds the handlers; called for each instance when it starts
	 * @return the replacement
	 */
	public static TestIpcChild of(String child, Consumer<IpcServerBuilder> handlers) {
		return new TestIpcChild(child, (channel) -> {
			IpcServerBuilder builder = IpcServer.builder().threads(THREADS);
			handlers.accept(builder);
			builder.build().serveAsChild(channel);
		});
	}

	/**
	 * Answers by an implementation of a contract.
	 * @param child the child's name, as it is declared
	 * @param contract the interface, see {@link dev.tinyipc.IpcExchange}
	 * @param implementation answers the requests, of all instances; thread-safe if there
	 * are several requests at a time
	 * @param <T> the contract
	 * @return the replacement
	 */
	public static <T> TestIpcChild of(String child, Class<T> contract, T implementation) {
		return of(child, (server) -> server.service(contract, implementation));
	}

	/**
	 * Answers as a child has answered the same requests before. Any other request gets an
	 * error. If the same request was recorded several times, its answers come in that
	 * order, and the last one from then on.
	 * @param child the child's name, as it is declared
	 * @param recording a file that an {@link IpcRecording} has written
	 * @return the replacement
	 * @throws IllegalArgumentException if the file cannot be read, or is no recording
	 */
	public static TestIpcChild replaying(String child, Path recording) {
		Replay replay = Replay.of(recording);
		return new TestIpcChild(child, (channel) -> replay.serve(channel.socket()));
	}

	String name() {
		return this.name;
	}

	/** Serves one instance, until its socket is closed. */
	void serve(IpcChannel channel) throws IpcException {
		this.server.serve(channel);
	}

	/** Serves one instance. */
	@FunctionalInterface
	private interface Server {

		void serve(IpcChannel channel) throws IpcException;

	}

}
