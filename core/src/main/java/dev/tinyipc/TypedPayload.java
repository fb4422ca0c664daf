package dev.tinyipc;

import java.lang.reflect.Type;

import org.jspecify.annotations.Nullable;
import tools.jackson.databind.ObjectMapper;
import tools.jackson.databind.ObjectWriter;

/**
 * A payload with the type that it is to be written as, for where its class says too
 * little: the elements of a {@code List<Shape>} are written with the type information
 * that {@code Shape} declares. It can be sent wherever a payload is, and is the payload
 * itself on the wire.
 *
 * @param value the value to send
 * @param type a class, a generic type of Java, or one of Jackson
 */
public record TypedPayload(@Nullable Object value, Type type) {

	/** The writer for a payload; null for one that says no type. */
	static @Nullable ObjectWriter writer(@Nullable Object payload, ObjectMapper mapper) {
		return (payload instanceof TypedPayload typed) ? mapper.writerFor(mapper.constructType(typed.type)) : null;
	}

	/** What is to be written. */
	static @Nullable Object value(@Nullable Object payload) {
		return (payload instanceof TypedPayload typed) ? typed.value : payload;
	}

}
