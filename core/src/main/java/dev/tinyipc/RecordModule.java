package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.List;

import tools.jackson.core.JsonParser;
import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.DeserializationContext;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.deser.bean.BeanDeserializer;
import tools.jackson.databind.deser.std.StdScalarDeserializer;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.BeanPropertyWriter;
import tools.jackson.databind.ser.ValueSerializerModifier;
import tools.jackson.databind.type.LogicalType;

/**
 * Has records read by {@link RecordDeserializer}, unless a module or an annotation has
 * them read by something else than Jackson's own deserializer, and their components
 * written by {@link RecordPropertyWriter}. Buffers are views of memory that is shared
 * with the peer, where there is such memory.
 */
final class RecordModule extends SimpleModule {

	RecordModule() {
		super("tiny-ipc-records");
		setDeserializerModifier(new Modifier());
		setSerializerModifier(new WriterModifier());
		addDeserializer(ByteBuffer.class, new ViewDeserializer());
	}

	private static final class Modifier extends ValueDeserializerModifier {

		@Override
		public ValueDeserializer<?> modifyDeserializer(DeserializationConfig config,
				BeanDescription.Supplier description, ValueDeserializer<?> deserializer) {
			return (description.getType().isRecordType() && deserializer.getClass() == BeanDeserializer.class)
					? new RecordDeserializer((BeanDeserializer) deserializer) : deserializer;
		}

	}

	private static final class ViewDeserializer extends StdScalarDeserializer<ByteBuffer> {

		ViewDeserializer() {
			super(ByteBuffer.class);
		}

		@Override
		public LogicalType logicalType() {
			return LogicalType.Binary;
		}

		@Override
		public ByteBuffer deserialize(JsonParser source, DeserializationContext context) {
			ByteBuffer view = (source instanceof BlockParser blocks) ? blocks.view() : null;
			return (view != null) ? view : ByteBuffer.wrap(source.getBinaryValue(context.getBase64Variant()));
		}

	}

	private static final class WriterModifier extends ValueSerializerModifier {

		@Override
		public List<BeanPropertyWriter> changeProperties(SerializationConfig config,
				BeanDescription.Supplier description, List<BeanPropertyWriter> properties) {
			boolean isRecord = description.getType().isRecordType();
			if (isRecord && config.isEnabled(MapperFeature.CAN_OVERRIDE_ACCESS_MODIFIERS)) {
				properties.replaceAll(RecordPropertyWriter::of);
			}
			return properties;
		}

	}

}
