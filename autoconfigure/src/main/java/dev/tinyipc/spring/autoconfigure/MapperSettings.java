package dev.tinyipc.spring.autoconfigure;

import dev.tinyipc.IpcChannel;
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
 * Finds out how the mapper of messages is customized. Boot's own mapper is not used: it
 * is configured for other clients, in ways that the other end of a socket does not know.
 */
final class MapperSettings {

	private MapperSettings() {
	}

	/** The configured customizer; in a child without one, that of its parent. */
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
		CBORMapper.Builder builder = IpcChannel.mapperBuilder();
		if (customizer != null) {
			BeanUtils.instantiateClass(customizer).customize(builder);
		}
		beans.orderedStream().forEach((bean) -> bean.customize(builder));
		return builder.build();
	}

}
