package dev.tinyipc;

import java.lang.invoke.LambdaMetafactory;
import java.lang.invoke.MethodHandle;
import java.lang.invoke.MethodHandles;
import java.lang.invoke.MethodType;
import java.lang.reflect.Method;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.function.ToDoubleFunction;
import java.util.function.ToIntFunction;
import java.util.function.ToLongFunction;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.JsonGenerator;
import tools.jackson.databind.PropertyName;
import tools.jackson.databind.SerializationContext;
import tools.jackson.databind.ValueSerializer;
import tools.jackson.databind.ser.BeanPropertyWriter;
import tools.jackson.databind.ser.jdk.BooleanSerializer;
import tools.jackson.databind.ser.jdk.NumberSerializers;
import tools.jackson.databind.ser.jdk.StringSerializer;

/**
 * Writes a component of a record as Jackson's own writer does, which calls the accessor
 * by a method handle that no compiler can look into, and makes an object of each number.
 * Here the accessor is called by a lambda that is made for it, once it is clear that many
 * such records are written: a short-lived process need not wait for that.
 *
 * <p>
 * What the value is written as is still Jackson's decision: this steps aside unless that
 * is the serializer that Jackson has for such values by default.
 *
 * @param <G> the type of the lambda
 */
abstract class RecordPropertyWriter<G> extends BeanPropertyWriter {

	/** So many records are written in Jackson's way first. */
	static final int USES_BEFORE = 500;

	private final transient Class<G> type;

	/** The method of {@code G}. */
	private final transient String method;

	/** The only serializer that this can replace. */
	private final transient Class<?> serializer;

	private transient int uses;

	private transient @Nullable G getter;

	RecordPropertyWriter(BeanPropertyWriter original, PropertyName name, Class<G> type, String method,
			Class<?> serializer) {
		super(original, name);
		this.type = type;
		this.method = method;
		this.serializer = serializer;
	}

	/** Returns the original if it cannot be replaced. */
	static BeanPropertyWriter of(BeanPropertyWriter original) {
		if (original.getClass() != BeanPropertyWriter.class || !(original.getMember().getMember() instanceof Method)) {
			return original;
		}
		Class<?> type = original.getType().getRawClass();
		PropertyName name = original.getFullName();
		if (type == int.class) {
			return new OfInt(original, name);
		}
		if (type == long.class) {
			return new OfLong(original, name);
		}
		if (type == double.class) {
			return new OfDouble(original, name);
		}
		if (type == boolean.class) {
			return new OfBoolean(original, name);
		}
		if (type == String.class) {
			return new OfText(original, name);
		}
		return type.isPrimitive() ? original : new OfObject(original, name);
	}

	@Override
	public void serializeAsProperty(Object bean, JsonGenerator generator, SerializationContext context)
			throws Exception {
		G known = this.getter;
		if (known != null) {
			write(known, bean, generator, context);
			return;
		}
		super.serializeAsProperty(bean, generator, context);
		// Another thread may count at the same time: then it is some records later.
		if (this.uses <= USES_BEFORE && ++this.uses == USES_BEFORE) {
			this.getter = isPlain() ? makeGetter() : null;
		}
	}

	boolean hasGetter() {
		return this.getter != null;
	}

	private boolean isPlain() {
		return this.type != null && this._serializer != null && isReplaceable(this._serializer)
				&& this._typeSerializer == null && this._suppressableValue == null && !this._suppressNulls;
	}

	/** A subclass may write something else. */
	private boolean isReplaceable(ValueSerializer<?> serializer) {
		return this.serializer == ValueSerializer.class || this.serializer == serializer.getClass();
	}

	/** Null if it cannot be made, as in another named module, or a native image. */
	private @Nullable G makeGetter() {
		Method accessor = (Method) this._member.getMember();
		Class<?> declaring = accessor.getDeclaringClass();
		try {
			MethodHandles.Lookup lookup = MethodHandles.privateLookupIn(declaring, MethodHandles.lookup());
			MethodHandle handle = lookup.unreflect(accessor);
			Class<?> result = accessor.getReturnType();
			return this.type.cast(
					LambdaMetafactory
						.metafactory(lookup, this.method, MethodType.methodType(this.type),
								MethodType.methodType(result.isPrimitive() ? result : Object.class, Object.class),
								handle, handle.type())
						.getTarget()
						.invoke());
		}
		catch (OutOfMemoryError | StackOverflowError ex) {
			throw ex;
		}
		catch (Throwable ex) { // a native image throws an Error
			return null;
		}
	}

	/** Writes the name and the value. */
	abstract void write(G getter, Object bean, JsonGenerator generator, SerializationContext context) throws Exception;

	final void writeAsJackson(Object bean, JsonGenerator generator, SerializationContext context) throws Exception {
		super.serializeAsProperty(bean, generator, context);
	}

	final void writeNull(JsonGenerator generator, SerializationContext context) {
		if (this._nullSerializer != null) {
			generator.writeName(this._name);
			this._nullSerializer.serialize(null, generator, context);
		}
	}

	private static final class OfInt extends RecordPropertyWriter<ToIntFunction<Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfInt(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) ToIntFunction.class, "applyAsInt", NumberSerializers.IntegerSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfInt(this, name);
		}

		@Override
		void write(ToIntFunction<Object> getter, Object bean, JsonGenerator generator, SerializationContext context) {
			int value = getter.applyAsInt(bean);
			generator.writeName(this._name);
			generator.writeNumber(value);
		}

	}

	private static final class OfLong extends RecordPropertyWriter<ToLongFunction<Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfLong(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) ToLongFunction.class, "applyAsLong", NumberSerializers.LongSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfLong(this, name);
		}

		@Override
		void write(ToLongFunction<Object> getter, Object bean, JsonGenerator generator, SerializationContext context) {
			long value = getter.applyAsLong(bean);
			generator.writeName(this._name);
			generator.writeNumber(value);
		}

	}

	private static final class OfDouble extends RecordPropertyWriter<ToDoubleFunction<Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfDouble(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) ToDoubleFunction.class, "applyAsDouble",
					NumberSerializers.DoubleSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfDouble(this, name);
		}

		@Override
		void write(ToDoubleFunction<Object> getter, Object bean, JsonGenerator generator,
				SerializationContext context) {
			double value = getter.applyAsDouble(bean);
			generator.writeName(this._name);
			generator.writeNumber(value);
		}

	}

	private static final class OfBoolean extends RecordPropertyWriter<Predicate<Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfBoolean(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) Predicate.class, "test", BooleanSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfBoolean(this, name);
		}

		@Override
		void write(Predicate<Object> getter, Object bean, JsonGenerator generator, SerializationContext context) {
			boolean value = getter.test(bean);
			generator.writeName(this._name);
			generator.writeBoolean(value);
		}

	}

	private static final class OfText extends RecordPropertyWriter<Function<Object, Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfText(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) Function.class, "apply", StringSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfText(this, name);
		}

		@Override
		void write(Function<Object, Object> getter, Object bean, JsonGenerator generator, SerializationContext context)
				throws Exception {
			Object value = getter.apply(bean);
			if (value != null) {
				generator.writeName(this._name);
				generator.writeString((String) value);
			}
			else {
				writeNull(generator, context);
			}
		}

	}

	/**
	 * Of a type that says which serializer there is for it, such as a record or an enum.
	 */
	private static final class OfObject extends RecordPropertyWriter<Function<Object, Object>> {

		@SuppressWarnings({ "unchecked", "rawtypes" })
		OfObject(BeanPropertyWriter original, PropertyName name) {
			super(original, name, (Class) Function.class, "apply", ValueSerializer.class);
		}

		@Override
		protected BeanPropertyWriter _new(PropertyName name) {
			return new OfObject(this, name);
		}

		@Override
		void write(Function<Object, Object> getter, Object bean, JsonGenerator generator, SerializationContext context)
				throws Exception {
			Object value = getter.apply(bean);
			if (value == bean) {
				writeAsJackson(bean, generator, context); // refuses to write it within
															// itself
			}
			else if (value != null) {
				generator.writeName(this._name);
				this._serializer.serialize(value, generator, context);
			}
			else {
				writeNull(generator, context);
			}
		}

	}

}
