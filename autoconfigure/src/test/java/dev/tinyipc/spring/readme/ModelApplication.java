package dev.tinyipc.spring.readme;

import dev.tinyipc.IpcServerBuilder;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** The README's child that is itself a Spring Boot application. */
@SpringBootApplication
class ModelApplication {

	@Bean
	CommandLineRunner serve(IpcServerBuilder server, Model model) {
		return (arguments) -> server.handler(Question.class, (request) -> model.answer(request.payload())).serve();
	}

	/** What the child works with. */
	interface Model {

		Answer answer(Question question);

	}

	record Question(String text) {
	}

	record Answer(String text) {
	}

}
