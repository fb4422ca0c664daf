package dev.tinyipc.spring.child;

import java.io.IOException;
import java.io.InputStream;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;

import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import dev.tinyipc.IpcProcess;
import dev.tinyipc.IpcProcessBuilder;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.autoconfigure.IpcAutoConfiguration;

import org.springframework.boot.SpringApplication;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;
import org.springframework.boot.jackson.autoconfigure.JacksonAutoConfiguration;
import org.springframework.context.ApplicationListener;
import org.springframework.context.annotation.Bean;
import org.springframework.context.event.ContextClosedEvent;

/**
 * A child that is itself an application with the starter: it answers its parent until
 * that is gone, and leaves files that witness what happened to it.
 */
@ImportAutoConfiguration({ JacksonAutoConfiguration.class, IpcAutoConfiguration.class })
class EchoApplication {

	private static final String[] LIST = { "ls", "-l", "/proc/self/fd" };

	public static void main(String[] arguments) throws IOException {
		CborMessageTemplate template = SpringApplication.run(EchoApplication.class, arguments)
			.getBean(CborMessageTemplate.class);
		try {
			while (true) {
				String request = template.receiveAndConvert(String.class);
				if (request != null) {
					template.convertAndSend(request.equals("descriptors of children") ? descriptors() : request);
				}
			}
		}
		catch (IpcPeerUnavailableException ex) {
			witness("the parent is gone");
		}
	}

	@Bean
	ApplicationListener<ContextClosedEvent> closing() {
		return (event) -> witness("the context was closed");
	}

	private static void witness(String of) {
		try {
			Files.createFile(Path.of(System.getProperty("witnesses"), of));
		}
		catch (FileAlreadyExistsException ex) {
			// Two are as good as one.
		}
		catch (IOException ex) {
			throw new IllegalStateException(ex);
		}
	}

	/** The socket, and then what children of both kinds have open. */
	private static String descriptors() throws IOException {
		String socket = Files.readSymbolicLink(Path.of("/proc/self/fd/" + IpcSocket.inherited().orElseThrow().fd()))
			.toString();
		Process plain = new ProcessBuilder(LIST).start();
		try (IpcProcess process = new IpcProcessBuilder(LIST).start()) {
			return socket + '\n' + read(plain.getInputStream()) + read(process.getInputStream());
		}
	}

	private static String read(InputStream output) throws IOException {
		return new String(output.readAllBytes());
	}

}
