package dev.tinyipc.spring;

import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.Sandbox;
import dev.tinyipc.spring.ChildDefinitions.Declaration;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.util.Assert;

/**
 * Registers the children that {@link ChildProcess @ChildProcess} declares on the
 * importing class. If it declares none, it is the auto-configuration, and those of
 * {@code ipc.children} are registered.
 */
class ChildProcessRegistrar implements ImportBeanDefinitionRegistrar {

	private static final Logger logger = LoggerFactory.getLogger(ChildProcessRegistrar.class);

	private static final ConfigurationPropertyName CHILDREN = ConfigurationPropertyName.of("ipc.children");

	private final Environment environment;

	/**
	 * Instantiated by the container.
	 * @param environment holds {@code ipc.children}
	 */
	ChildProcessRegistrar(Environment environment) {
		this.environment = environment;
	}

	@Override
	public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
		ChildDefinitions definitions = new ChildDefinitions(registry);
		Set<AnnotationAttributes> annotations = importing.getMergedRepeatableAnnotationAttributes(ChildProcess.class,
				ChildProcesses.class, false);
		if (annotations.isEmpty()) {
			definitions.activate();
			registerThoseOfProperties(definitions);
		}
		else {
			registerThoseOf(annotations, "@ChildProcess on " + importing.getClassName(), definitions);
		}
	}

	private static void registerThoseOf(Set<AnnotationAttributes> annotations, String declaredBy,
			ChildDefinitions definitions) {
		Set<String> names = new HashSet<>();
		for (AnnotationAttributes child : annotations) {
			String name = child.getString("name");
			Assert.state(names.add(name), () -> "The child '" + name + "' is declared twice: by " + declaredBy);
			Class<?> main = child.getClass("main");
			definitions.register(new Declaration(name, declaredBy, child.getStringArray("command"),
					(main != void.class) ? main.getName() : "", child.getStringArray("jvmArguments"),
					child.<Integer>getNumber("instances"), child.<Integer>getNumber("concurrency"),
					child.getBoolean("oneWay"), child.getBoolean("ready"), child.getBoolean("zygote"),
					child.getEnum("sandbox")));
		}
	}

	private void registerThoseOfProperties(ChildDefinitions definitions) {
		Map<ConfigurationPropertyName, String> declared = definitions.names();
		Binder binder = Binder.get(this.environment);
		names(binder).forEach((uniform, name) -> {
			if (declared.containsKey(uniform) || definitions.isInAncestor(name)) {
				return; // these are its settings
			}
			if (isDeclared(uniform, binder)) {
				definitions.register(new Declaration(name, "ipc.children." + name, new String[0], "", new String[0], 1,
						1, false, false, false, Sandbox.Profile.NONE));
			}
			else if (this.environment.containsProperty(IpcSocket.FD_VARIABLE)) {
				// A variable that is meant for the parent is inherited by its children.
				logger.debug("ipc.children.{} is ignored: no such child is declared", name);
			}
			else {
				throw undeclared(name, declared);
			}
		});
	}

	private static Map<ConfigurationPropertyName, String> names(Binder binder) {
		Map<ConfigurationPropertyName, String> names = new HashMap<>();
		for (String name : binder.bind(CHILDREN, Bindable.mapOf(String.class, Object.class))
			.orElse(Map.of())
			.keySet()) {
			ChildDefinitions.checkName(name, "ipc.children." + name);
			names.merge(ChildDefinitions.uniform(name), name, ChildProcessRegistrar::oneSpelling);
		}
		return names;
	}

	/**
	 * An environment variable can only spell the uniform name, and means the other one.
	 */
	private static String oneSpelling(String name, String other) {
		String uniform = ChildDefinitions.uniform(name).toString();
		Assert.state(name.equals(uniform) || other.equals(uniform), () -> "'" + name + "' and '" + other
				+ "' in ipc.children are two spellings of one name: use only one of them");
		return name.equals(uniform) ? other : name;
	}

	private static boolean isDeclared(ConfigurationPropertyName child, Binder binder) {
		ConfigurationPropertyName properties = CHILDREN.append(child);
		return binder.bind(properties.append("command"), Bindable.listOf(String.class)).isBound()
				|| binder.bind(properties.append("main"), Bindable.of(String.class)).isBound();
	}

	private static ChildStartException undeclared(String name, Map<ConfigurationPropertyName, String> declared) {
		return new ChildStartException(name,
				"neither a command nor a main class is declared, only settings in ipc.children." + name + ". "
						+ (declared.isEmpty() ? "There is no @ChildProcess" : "There is a @ChildProcess for: "
								+ String.join(", ", declared.values().stream().sorted().toList())),
				null);
	}

}
