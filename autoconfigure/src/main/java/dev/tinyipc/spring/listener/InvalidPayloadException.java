package dev.tinyipc.spring.listener;

import java.util.stream.Collectors;

import org.springframework.core.MethodParameter;
import org.springframework.messaging.Message;
import org.springframework.messaging.handler.annotation.support.MethodArgumentNotValidException;
import org.springframework.validation.BindingResult;
import org.springframework.validation.FieldError;
import org.springframework.validation.ObjectError;

/**
 * Says which fields are invalid, and why. What they contained is not for the logs of two
 * processes.
 */
final class InvalidPayloadException extends MethodArgumentNotValidException {

	private static final long serialVersionUID = 1L;

	private final String text;

	InvalidPayloadException(Message<?> message, MethodParameter parameter, BindingResult result) {
		super(message, parameter, result);
		this.text = "The payload is not valid as " + ListenerSignature.describe(parameter) + ": "
				+ result.getAllErrors()
					.stream()
					.map(InvalidPayloadException::describe)
					.sorted()
					.collect(Collectors.joining("; "));
	}

	private static String describe(ObjectError error) {
		return (error instanceof FieldError field) ? field.getField() + ' ' + error.getDefaultMessage()
				: String.valueOf(error.getDefaultMessage());
	}

	@Override
	public String getMessage() {
		return this.text;
	}

}
