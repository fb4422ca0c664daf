package dev.tinyipc.spring.listener;

import java.util.Optional;

import org.jspecify.annotations.Nullable;

import org.springframework.core.MethodParameter;
import org.springframework.messaging.Message;
import org.springframework.messaging.converter.GenericMessageConverter;
import org.springframework.messaging.handler.annotation.support.MethodArgumentNotValidException;
import org.springframework.messaging.handler.annotation.support.PayloadMethodArgumentResolver;
import org.springframework.validation.BindingResult;
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

}
