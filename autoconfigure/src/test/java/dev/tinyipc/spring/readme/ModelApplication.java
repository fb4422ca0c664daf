package dev.tinyipc.spring.readme;

import java.io.InputStream;
import java.util.stream.Stream;

import dev.tinyipc.IpcContext;
import dev.tinyipc.spring.IpcListener;
import dev.tinyipc.spring.readme.ReportWorker.Rate;
import jakarta.validation.Valid;
import jakarta.validation.constraints.NotBlank;

import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.SpringBootApplication;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.messaging.handler.annotation.Header;
import org.springframework.messaging.handler.annotation.MessageExceptionHandler;
import org.springframework.stereotype.Component;

/** The README's child that is itself a Spring Boot application, and its parent. */
@SpringBootApplication
class ModelApplication {

	public static void main(String[] arguments) {
		new SpringApplicationBuilder(ModelApplication.class).web(WebApplicationType.NONE).run(arguments);
	}

	@Component
	class ModelListener {

		private final Model model;

		ModelListener(Model model) {
			this.model = model;
		}

		@IpcListener("parent")
		Answer answer(@Valid Question question, @Header(defaultValue = "en") String language) {
			return this.model.answer(question, language);
		}

		@IpcListener(value = "parent", method = "answers", concurrency = "8")
		Stream<Answer> answerAll(InputStream questions, IpcContext context) {
			return this.model.answerAll(questions, context::checkCancelled);
		}

		@MessageExceptionHandler
		Answer unknown(UnknownLanguageException ex) {
			return Answer.UNKNOWN;
		}

	}

	/** What the parent answers. */
	static class RateListener {

		private final ReportApplication.Rates rates;

		RateListener(ReportApplication.Rates rates) {
			this.rates = rates;
		}

		@IpcListener("model")
		Rate rate(String currency) {
			return this.rates.of(currency);
		}

	}

	/** What the child works with. */
	interface Model {

		Answer answer(Question question, String language);

		Stream<Answer> answerAll(InputStream questions, Runnable between);

	}

	record Question(@NotBlank String text) {
	}

	record Answer(String text) {

		static final Answer UNKNOWN = new Answer("?");

	}

	static class UnknownLanguageException extends RuntimeException {

		private static final long serialVersionUID = 1L;

	}

}
