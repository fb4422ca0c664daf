package dev.tinyipc;

import java.lang.reflect.Field;
import java.lang.reflect.Modifier;

import com.sun.jna.IntegerType;
import com.sun.jna.Pointer;
import com.sun.jna.Structure;

/**
 * The raw bytes of a JNA {@link Structure}, which make sense to another process only if
 * no field is an address in this one.
 */
final class StructBytes {

	/** Remembers the classes that have passed. */
	private static final ClassValue<Boolean> CHECKED = new ClassValue<>() {

		@Override
		protected Boolean computeValue(Class<?> type) {
			checkFields(type, type);
			return true;
		}

	};

	private StructBytes() {
	}

	/**
	 * The address of the native memory of a structure, for as long as it is reachable.
	 * @throws IllegalArgumentException if one of its fields is a pointer
	 */
	static long address(Structure structure) {
		CHECKED.get(structure.getClass());
		return Pointer.nativeValue(structure.getPointer());
	}

	private static void checkFields(Class<?> root, Class<?> type) {
		for (Field field : type.getFields()) {
			if (!Modifier.isStatic(field.getModifiers())) {
				Class<?> value = field.getType();
				while (value.isArray()) {
					value = value.getComponentType();
				}
				if (Structure.class.isAssignableFrom(value) && !Structure.ByReference.class.isAssignableFrom(value)) {
					checkFields(root, value);
				}
				else if (!value.isPrimitive() && !IntegerType.class.isAssignableFrom(value)) {
					throw new IllegalArgumentException("Field " + field.getName() + " of " + type.getName() + ", a "
							+ field.getType().getSimpleName() + ", is an address in this process: a structure that is"
							+ " sent as its bytes has numbers, arrays of numbers and nested structures only");
				}
			}
		}
	}

}
