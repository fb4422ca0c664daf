package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcMapperCustomizer;
import dev.tinyipc.IpcServer;
import org.jspecify.annotations.Nullable;
import tools.jackson.dataformat.cbor.CBORMapper;

import org.springframework.beans.BeanUtils;
import org.springframework.beans.factory.ObjectProvider;
import org.springframework.boot.context.properties.source.InvalidConfigurationPropertyValueException;
import org.springframework.core.env.Environment;
import org.springframework.util.ClassUtils;

/**
 * What configures the mapper of messages. Boot's own mapper does not: it is configured
 * for clients of another kind, of which the other end of a socket knows nothing.
 */
final class MapperSettings {

	private MapperSettings() {
	}

	/** That of the parent, if this is a child to which no other one is named. */
	static @Nullable Class<? extends IpcMapperCustomizer> customizer(IpcProperties.Template template,
			Environment environment) {
		if (template.mapperCustomizer() != null) {
			return checked("ipc.template.mapper-customizer", template.mapperCustomizer());
		}
		String ofParent = environment.getProperty(IpcServer.MAPPER_CUSTOMIZER_VARIABLE);
		return (ofParent != null)
				? checked(IpcServer.MAPPER_CUSTOMIZER_VARIABLE, ClassUtils.resolveClassName(ofParent, null)) : null;
	}

	private static Class<? extends IpcMapperCustomizer> checked(String key, Class<?> type) {
		if (!IpcMapperCustomizer.class.isAssignableFrom(type)) {
			throw new InvalidConfigurationPropertyValueException(key, type.getName(),
					"It must be a class that implements " + IpcMapperCustomizer.class.getName() + '.');
		}
		return type.asSubclass(IpcMapperCustomizer.class);
	}

	static CBORMapper mapper(@Nullable Class<? extends IpcMapperCustomizer> customizer,
			ObjectProvider<IpcMapperCustomizer> beans) {
		CBORMapper.Builder builder = CBORMapper.builder();
		if (customizer != null) {
			BeanUtils.instantiateClass(customizer).customize(builder);
		}
		beans.orderedStream().forEach((bean) -> bean.customize(builder));
		return builder.build();
	}

}
