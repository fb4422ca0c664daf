package dev.tinyipc;

import java.lang.reflect.Constructor;
import java.util.Arrays;
import java.util.Collection;
import java.util.HashMap;
import java.util.Map;

import org.jspecify.annotations.Nullable;
import tools.jackson.core.io.SerializedString;
import tools.jackson.databind.deser.CreatorProperty;
import tools.jackson.databind.deser.SettableBeanProperty;
import tools.jackson.databind.deser.bean.PropertyBasedCreator;

/**
 * The names of a record's components, and what reads their values, in the order of the
 * constructor's parameters.
 */
final class RecordParameters {

	/** As many as a mask has bits. */
	private static final int MAX = Long.SIZE;

	final SettableBeanProperty[] properties;

	final SerializedString[] names;

	private final Map<String, Integer> indexes = new HashMap<>();

	final Constructor<?> constructor;

	/** A bit for each. */
	final long all;

	private RecordParameters(SettableBeanProperty[] properties, Constructor<?> constructor) {
		this.properties = properties;
		this.names = new SerializedString[properties.length];
		for (int i = 0; i < properties.length; i++) {
			this.names[i] = new SerializedString(properties[i].getName());
			this.indexes.put(properties[i].getName(), i);
		}
		this.constructor = constructor;
		this.all = -1L >>> (Long.SIZE - properties.length);
	}

	/** Finds them, unless there is one that is more than a name and a value. */
	static @Nullable RecordParameters of(PropertyBasedCreator creator, @Nullable Constructor<?> constructor) {
		Collection<SettableBeanProperty> named = creator.properties();
		if (constructor == null || named.isEmpty() || named.size() > MAX
				|| named.size() != constructor.getParameterCount()) {
			return null; // such as one with an alias
		}
		SettableBeanProperty[] properties = new SettableBeanProperty[named.size()];
		for (SettableBeanProperty property : named) {
			int index = property.getCreatorIndex();
			if (index < 0 || index >= properties.length || !isPlain(property)) {
				return null;
			}
			properties[index] = property;
		}
		return Arrays.asList(properties).contains(null) ? null : new RecordParameters(properties, constructor);
	}

	private static boolean isPlain(SettableBeanProperty property) {
		SerializedString name = new SerializedString(property.getName());
		// A parser compares the bytes of the name as it would stand in JSON.
		return property.getClass() == CreatorProperty.class && !property.isIgnorable()
				&& property.getInjectionDefinition() == null
				&& Arrays.equals(name.asQuotedUTF8(), name.asUnquotedUTF8());
	}

	/** Below 0 for a name that is none of theirs. */
	int index(String name) {
		Integer index = this.indexes.get(name);
		return (index != null) ? index : -1;
	}

}
