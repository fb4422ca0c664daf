package dev.tinyipc;

import java.util.List;

import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.MapperFeature;
import tools.jackson.databind.SerializationConfig;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.deser.bean.BeanDeserializer;
import tools.jackson.databind.module.SimpleModule;
import tools.jackson.databind.ser.BeanPropertyWriter;
import tools.jackson.databind.ser.ValueSerializerModifier;

/**
 * Has records read by {@link RecordDeserializer}, unless a module or an annotation has
 * them read by something else than Jackson's own deserializer, and their components
 * written by {@link RecordPropertyWriter}.
 */
final class RecordModule extends SimpleModule {

	RecordModule() {
		super("tiny-ipc-records");
		setDeserializerModifier(new Modifier());
		setSerializerModifier(new WriterModifier());
	}

	private static final class Modifier extends ValueDeserializerModifier {

		@Override
		public ValueDeserializer<?> modifyDeserializer(DeserializationConfig config,
				BeanDescription.Supplier description, ValueDeserializer<?> deserializer) {
			return (description.getType().isRecordType() && deserializer.getClass() == BeanDeserializer.class)
					? new RecordDeserializer((BeanDeserializer) deserializer) : deserializer;
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
