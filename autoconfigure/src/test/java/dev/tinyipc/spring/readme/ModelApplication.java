package dev.tinyipc.spring.readme;

import dev.tinyipc.IpcServer;

import org.springframework.boot.CommandLineRunner;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.context.annotation.Bean;

/** The README's child that is itself a Spring Boot application. */
@SpringBootApplication
class ModelApplication {

	@Bean
	CommandLineRunner serve(Model model) {
		return (arguments) -> IpcServer.serve(Question.class, (request) -> model.answer(request.payload()));
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
