package dev.tinyipc.interop;

import java.nio.charset.StandardCharsets;
import java.util.List;

import com.fasterxml.jackson.annotation.JsonProperty;
import dev.tinyipc.IpcChannel;
import dev.tinyipc.IpcMessage;
import dev.tinyipc.IpcSocket;
import dev.tinyipc.SharedMemory;
import dev.tinyipc.spring.CborMessageTemplate;
import dev.tinyipc.spring.IpcPeerUnavailableException;
import org.jspecify.annotations.Nullable;
import tools.jackson.databind.JsonNode;

import org.springframework.beans.factory.annotation.Autowired;
import org.springframework.boot.ApplicationArguments;
import org.springframework.boot.ApplicationRunner;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.Banner;

/**
 * An application with the starter that is itself a child, of a program in any language.
 */
@EnableAutoConfiguration
class SpringChild implements ApplicationRunner {

	private static final String PARENT = "parent";

	@Autowired
	private CborMessageTemplate template;

	record Request(@JsonProperty("do") String does, @Nullable JsonNode payload, @Nullable List<Long> numbers,
			@Nullable String text, @Nullable String message) {
	}

	public static void main(String[] arguments) {
		new SpringApplicationBuilder(SpringChild.class).bannerMode(Banner.Mode.OFF).run(arguments);
	}

	@Override
	public void run(ApplicationArguments arguments) throws Exception {
		try {
			while (true) {
				try (IpcMessage<Request> request = this.template.receive(PARENT, Request.class)) {
					if (request != null) {
						answer(request);
					}
				}
			}
		}
		catch (IpcPeerUnavailableException ex) {
			// The parent is gone, and the context closes.
		}
	}

	private void answer(IpcMessage<Request> message) throws Exception {
		Request request = message.payload();
		switch (request.does()) {
			case "echo" -> this.template.convertAndSend(PARENT, request.payload());
			case "sum" ->
				this.template.convertAndSend(PARENT, request.numbers().stream().mapToLong(Long::longValue).sum());
			case "length" -> this.template.convertAndSend(PARENT, message.descriptors().get(0).channel().size());
			case "memory" -> {
				byte[] text = request.text().getBytes(StandardCharsets.UTF_8);
				try (SharedMemory memory = SharedMemory.create("text")) {
					memory.outputStream().write(text);
					memory.seal();
					this.template.convertAndSend(PARENT, text.length, memory.descriptor());
				}
			}
			// A template asks, and has no errors of its own to send.
			default -> IpcChannel.over(IpcSocket.inherited().orElseThrow())
				.sendError(new IllegalStateException(String.valueOf(request.message())));
		}
	}

}
