package dev.tinyipc;

import java.lang.reflect.Constructor;
import java.lang.reflect.InvocationTargetException;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JacksonException;
import tools.jackson.core.JsonParser;
import tools.jackson.core.JsonToken;
import tools.jackson.databind.DatabindException;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.DeserializationFeature;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.bean.BeanDeserializer;
import tools.jackson.databind.deser.bean.PropertyValueBuffer;
import tools.jackson.databind.deser.std.StdValueInstantiator;
import tools.jackson.databind.util.NameTransformer;
import tools.jackson.databind.util.TokenBuffer;

/**
 * Reads a record whose components come in the order of their declaration, or nearly so,
 * as a peer writes them: each name is compared with the one that is due, byte by byte,
 * before it is looked up. The values go into the array that the constructor is called
 * with.
 *
 * <p>
 * What the names and the values mean is Jackson's business: how its deserializer of the
 * record was configured is used here, too. Whatever that deserializer does besides
 * calling the constructor with one value for each name is left to it, as are values that
 * are missing.
 */
final class RecordDeserializer extends BeanDeserializer {

	/** Null for a record that is read in Jackson's own way. */
	private transient @Nullable RecordParameters parameters;

	/** Takes the place of Jackson's own deserializer, which was not resolved yet. */
	RecordDeserializer(BeanDeserializer original) {
		super(original);
	}

	@Override
	public void resolve(DeserializationContext context) {
		super.resolve(context);
		this.parameters = (isPlain() && context.isEnabled(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS))
				? RecordParameters.of(this._propertyBasedCreator, constructor()) : null;
	}

	private boolean isPlain() {
		return this._propertyBasedCreator != null
				&& this._beanProperties.size() == this._propertyBasedCreator.properties().size()
				&& !this._propertyBasedCreator.hasManagedReferenceProperties()
				&& this._valueInstantiator.getClass() == StdValueInstantiator.class
				&& this._delegateDeserializer == null && this._arrayDelegateDeserializer == null
				&& this._anySetter == null && this._injectables == null && this._objectIdReader == null
				&& this._unwrappedPropertyHandler == null && this._externalTypeIdHandler == null
				&& this._ignorableProps == null && this._includableProps == null && !this._ignoreAllUnknown
				&& !this._beanProperties.isCaseInsensitive();
	}

	/** Null if there is another creator, or it must not be called. */
	private @Nullable Constructor<?> constructor() {
		return (this._valueInstantiator.getWithArgsCreator().getAnnotated() instanceof Constructor<?> constructor
				&& constructor.canAccess(null)) ? constructor : null;
	}

	/** Jackson's own, as it insists on its own class for this. */
	@Override
	public ValueDeserializer<Object> unwrappingDeserializer(DeserializationContext context,
			NameTransformer transformer) {
		if (this._currentlyTransforming == transformer) {
			return this; // a record within itself
		}
		this._currentlyTransforming = transformer;
		try {
			return withIgnoreAllUnknown(this._ignoreAllUnknown).unwrappingDeserializer(context, transformer);
		}
		finally {
			this._currentlyTransforming = null;
		}
	}

	@Override
	public Object deserialize(JsonParser source, DeserializationContext context) throws JacksonException {
		RecordParameters known = this.parameters;
		if (known == null || !source.isExpectedStartObjectToken() || context.getActiveView() != null
				|| context.getConfig().getProblemHandlers() != null) {
			return super.deserialize(source, context);
		}
		return read(known, source, context);
	}

	/** As in Jackson, a name that is unknown is dealt with once the record is made. */
	private Object read(RecordParameters known, JsonParser source, DeserializationContext context) {
		@Nullable Object[] values = new Object[known.properties.length];
		long seen = 0;
		TokenBuffer unknown = null;
		for (int due = 0;;) {
			int index = due;
			if (!source.nextName(known.names[due])) {
				if (!source.hasToken(JsonToken.PROPERTY_NAME)) {
					break;
				}
				String name = source.currentName();
				index = known.index(name);
				if (index < 0) {
					unknown = (unknown != null) ? unknown : context.bufferForInputBuffering(source);
					source.nextToken();
					unknown.writeName(name);
					unknown.copyCurrentStructure(source);
					continue;
				}
			}
			source.nextToken();
			values[index] = _deserializeWithErrorWrapping(source, context, known.properties[index]);
			seen |= 1L << index;
			due = (index + 1 < values.length) ? index + 1 : 0;
		}
		Object made = make(known, values, seen, source, context);
		source.assignCurrentValue(made);
		return (unknown != null) ? handleUnknownProperties(context, made, unknown) : made;
	}

	private Object make(RecordParameters known, @Nullable Object[] values, long seen, JsonParser source,
			DeserializationContext context) {
		try {
			if (seen == known.all && !context.isEnabled(DeserializationFeature.FAIL_ON_NULL_CREATOR_PROPERTIES)) {
				return construct(known.constructor, values, context);
			}
			PropertyValueBuffer buffer = this._propertyBasedCreator.startBuilding(source, context, null);
			for (int i = 0; i < values.length; i++) {
				if ((seen >>> i & 1) != 0) {
					buffer.assignParameter(known.properties[i], values[i]);
				}
			}
			return this._propertyBasedCreator.build(context, buffer);
		}
		catch (Exception ex) {
			return wrapInstantiationProblem(context, ex);
		}
	}

	/** Jackson's own way makes a new method handle for each call. */
	private Object construct(Constructor<?> constructor, @Nullable Object[] values, DeserializationContext context)
			throws ReflectiveOperationException {
		try {
			return constructor.newInstance(values);
		}
		catch (IllegalArgumentException ex) { // before the constructor was called
			return this._valueInstantiator.createFromObjectWith(context, values);
		}
		catch (InvocationTargetException ex) {
			Throwable cause = ex.getCause();
			if (cause instanceof Error error) {
				throw error;
			}
			throw (cause instanceof DatabindException refused) ? refused
					: context.instantiationException(constructor.getDeclaringClass(), cause);
		}
	}

}
