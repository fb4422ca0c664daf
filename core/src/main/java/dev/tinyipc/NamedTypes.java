package dev.tinyipc;

import java.lang.reflect.Type;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * The type of a map whose values have types of their own: the parameters of a method.
 *
 * @param types by the names, in the order of the parameters
 */
record NamedTypes(Map<String, Type> types) implements Type {

	NamedTypes(Map<String, Type> types) {
		this.types = new LinkedHashMap<>(types);
	}

}
