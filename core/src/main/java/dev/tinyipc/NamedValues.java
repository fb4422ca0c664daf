package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonGenerator;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.JacksonSerializable;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.annotation.JsonDeserialize;
import tools.jackson.databind.jsontype.TypeSerializer;

/**
 * The arguments of a method: on the wire a map by the names of its parameters. One that
 * is missing is read as the mapper reads a property that is missing.
 */
@JsonDeserialize(using = NamedValues.Reader.class)
final class NamedValues implements JacksonSerializable {

	private final NamedTypes names;

	private final List<@Nullable Object> values;

	NamedValues(NamedTypes names, List<@Nullable Object> values) {
		this.names = names;
		this.values = values;
	}

	/** In the order of the parameters. */
	List<@Nullable Object> values() {
		return this.values;
	}

	@Override
	public void serialize(JsonGenerator target, SerializationContext context) throws JacksonException {
		Iterator<@Nullable Object> next = this.values.iterator();
		target.writeStartObject(this, this.values.size());
		this.names.types().forEach((name, type) -> {
			target.writeName(name);
			write(next.next(), type, target, context);
		});
		target.writeEndObject();
	}

	private static void write(@Nullable Object value, Type type, JsonGenerator target, SerializationContext context) {
		if (value == null) {
			target.writeNull();
		}
		else if (type instanceof Class) {
			context.findTypedValueSerializer(value.getClass(), true).serialize(value, target, context);
		}
		else {
			context.findTypedValueSerializer(context.constructType(type), true).serialize(value, target, context);
		}
	}

	@Override
	public void serializeWithType(JsonGenerator target, SerializationContext context, TypeSerializer type)
			throws JacksonException {
		serialize(target, context);
	}

	/** Reads arguments whose {@link NamedTypes} are an attribute of the reader. */
	static final class Reader extends ValueDeserializer<NamedValues> {

		@Override
		public NamedValues deserialize(JsonParser source, DeserializationContext context) throws JacksonException {
			NamedTypes names = (NamedTypes) context.getAttribute(NamedTypes.class);
			if (!source.isExpectedStartObjectToken()) {
				return (NamedValues) context.handleUnexpectedToken(context.constructType(NamedValues.class),
						source.currentToken(), source,
						"The request must be a map of the parameters " + String.join(", ", names.types().keySet()));
			}
			List<String> order = List.copyOf(names.types().keySet());
			@Nullable Object[] values = new Object[order.size()];
			boolean[] there = new boolean[order.size()];
			for (String name = source.nextName(); name != null; name = source.nextName()) {
				source.nextToken();
				int index = order.indexOf(name);
				if (index < 0) {
					context.handleUnknownProperty(source, this, NamedValues.class, name);
					continue;
				}
				values[index] = read(name, names.types().get(name), source, context);
				there[index] = true;
			}
			int index = 0;
			for (Map.Entry<String, Type> entry : names.types().entrySet()) {
				if (!there[index]) {
					values[index] = read(entry.getKey(), entry.getValue(), null, context);
				}
				index++;
			}
			return new NamedValues(names, new ArrayList<>(Arrays.asList(values)));
		}

		/** Reads one argument, or what stands for it if there is no source. */
		private static @Nullable Object read(String name, Type type, @Nullable JsonParser source,
				DeserializationContext context) {
			try {
				ValueDeserializer<Object> reader = context.findRootValueDeserializer(context.constructType(type));
				if (source == null) {
					return reader.getAbsentValue(context);
				}
				return source.hasToken(JsonToken.VALUE_NULL) ? reader.getNullValue(context)
						: reader.deserialize(source, context);
			}
			catch (JacksonException ex) {
				throw ex.prependPath(NamedValues.class, name);
			}
		}

	}

}
