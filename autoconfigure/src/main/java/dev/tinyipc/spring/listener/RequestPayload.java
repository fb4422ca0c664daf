package dev.tinyipc.spring.listener;

import java.lang.reflect.Type;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.exc.InputCoercionException;
import tools.jackson.databind.BeanProperty;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JavaType;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.annotation.JsonDeserialize;

import org.springframework.aot.hint.MemberCategory;
import org.springframework.aot.hint.RuntimeHints;
import org.springframework.aot.hint.RuntimeHintsRegistrar;
import org.springframework.core.ResolvableType;

/**
 * A payload, or the reason why it cannot be read as its type. So it is the listener that
 * knows of that, and can say which parameter was meant.
 *
 * @param value what was read; null if that has failed, too
 * @param failure null if it was read
 * @param <T> the type of the payload
 */
@JsonDeserialize(using = RequestPayload.Reader.class)
record RequestPayload<T>(@Nullable T value, @Nullable JacksonException failure) {

	/** The type of a payload of some type. */
	static Type of(Type type) {
		return ResolvableType.forClassWithGenerics(RequestPayload.class, ResolvableType.forType(type)).getType();
	}

	/** The mapper makes a reader by reflection. */
	static final class Hints implements RuntimeHintsRegistrar {

		@Override
		public void registerHints(RuntimeHints hints, @Nullable ClassLoader classLoader) {
			hints.reflection()
				.registerType(RequestPayload.class)
				.registerType(Reader.class, MemberCategory.INVOKE_DECLARED_CONSTRUCTORS);
		}

	}

	/** Reads a payload of the type that it is asked for. */
	static final class Reader extends ValueDeserializer<RequestPayload<?>> {

		private final @Nullable JavaType type;

		/** For the mapper, which asks for one for each type then. */
		Reader() {
			this(null);
		}

		private Reader(@Nullable JavaType type) {
			this.type = type;
		}

		@Override
		public ValueDeserializer<?> createContextual(DeserializationContext context, @Nullable BeanProperty property) {
			return new Reader(context.getContextualType().containedTypeOrUnknown(0));
		}

		@Override
		public RequestPayload<?> deserialize(JsonParser source, DeserializationContext context) {
			int depth = depth(source) - (source.currentToken().isStructStart() ? 1 : 0);
			try {
				return new RequestPayload<>(reader(context).deserialize(source, context), null);
			}
			catch (DatabindException | InputCoercionException ex) {
				// Nothing is wrong with the request as such, which is read to its end.
				while (depth(source) > depth) {
					source.nextToken();
				}
				return new RequestPayload<>(null, ex);
			}
		}

		@Override
		public RequestPayload<?> getNullValue(DeserializationContext context) {
			try {
				return new RequestPayload<>(reader(context).getNullValue(context), null);
			}
			catch (DatabindException ex) {
				return new RequestPayload<>(null, ex);
			}
		}

		private ValueDeserializer<Object> reader(DeserializationContext context) {
			return context.findRootValueDeserializer(this.type);
		}

		private static int depth(JsonParser source) {
			return source.streamReadContext().getNestingDepth();
		}

	}

}
