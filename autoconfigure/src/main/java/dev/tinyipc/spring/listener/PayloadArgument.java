package dev.tinyipc.spring.listener;

import java.util.Optional;
import java.util.stream.Collectors;

import org.jspecify.annotations.Nullable;

import org.springframework.core.MethodParameter;
import org.springframework.messaging.Message;
import org.springframework.messaging.converter.GenericMessageConverter;
import org.springframework.messaging.handler.annotation.support.MethodArgumentNotValidException;
import org.springframework.messaging.handler.annotation.support.PayloadMethodArgumentResolver;
import org.springframework.validation.BindingResult;
import org.springframework.validation.FieldError;
import org.springframework.validation.ObjectError;
import org.springframework.validation.Validator;

/**
 * Resolves the payload, which has its type already, and validates it. Blank texts and
 * empty byte arrays are payloads as any other.
 */
final class PayloadArgument extends PayloadMethodArgumentResolver {

	PayloadArgument(@Nullable Validator validator) {
		super(new GenericMessageConverter(), validator);
	}

	@Override
	protected boolean isEmptyPayload(@Nullable Object payload) {
		return payload == null || (payload instanceof Optional<?> optional && optional.isEmpty());
	}

	@Override
	public @Nullable Object resolveArgument(MethodParameter parameter, Message<?> message) throws Exception {
		try {
			return super.resolveArgument(parameter, message);
		}
		catch (MethodArgumentNotValidException ex) {
			BindingResult result = ex.getBindingResult();
			throw (result != null) ? new InvalidPayloadException(message, parameter, result) : ex;
		}
	}

	/**
	 * Says which fields are invalid, and why. What they contained is not for the logs of
	 * two processes.
	 */
	private static final class InvalidPayloadException extends MethodArgumentNotValidException {

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

}
