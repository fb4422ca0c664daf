package dev.tinyipc;

import tools.jackson.databind.BeanDescription;
import tools.jackson.databind.DeserializationConfig;
import tools.jackson.databind.ValueDeserializer;
import tools.jackson.databind.deser.ValueDeserializerModifier;
import tools.jackson.databind.deser.bean.BeanDeserializer;
import tools.jackson.databind.module.SimpleModule;

/**
 * Has records read by {@link RecordDeserializer}, unless a module or an annotation has
 * them read by something else than Jackson's own deserializer.
 */
final class RecordModule extends SimpleModule {

	RecordModule() {
		super("tiny-ipc-records");
		setDeserializerModifier(new Modifier());
	}

	private static final class Modifier extends ValueDeserializerModifier {

		@Override
		public ValueDeserializer<?> modifyDeserializer(DeserializationConfig config,
				BeanDescription.Supplier description, ValueDeserializer<?> deserializer) {
			return (description.getType().isRecordType() && deserializer.getClass() == BeanDeserializer.class)
					? new RecordDeserializer((BeanDeserializer) deserializer) : deserializer;
		}

	}

}
