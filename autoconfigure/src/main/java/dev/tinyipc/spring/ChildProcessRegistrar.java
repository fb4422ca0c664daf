package dev.tinyipc.spring;

import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import org.jspecify.annotations.Nullable;

import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.config.BeanDefinition;
import org.springframework.beans.factory.support.AutowireCandidateQualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.util.Assert;
import org.springframework.util.ClassUtils;

/**
 * Registers the beans of children: of those that {@link ChildProcess @ChildProcess}
 * declares on the importing class, or, where there is no such annotation, of those in
 * {@code ipc.children}. They are plain definitions with a factory method, which
 * ahead-of-time processing can write down.
 */
public class ChildProcessRegistrar implements ImportBeanDefinitionRegistrar {

	/** The bean that makes the beans of children. */
	public static final String CHILD_FACTORY = "ipcChildFactory";

	/** The bean that makes their templates. */
	public static final String TEMPLATE_FACTORY = "ipcTemplateFactory";

	private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]+");

	private static final String DECLARED_BY = ChildProcessRegistrar.class.getName() + ".declaredBy";

	private final Environment environment;

	/**
	 * Called by the container.
	 * @param environment holds {@code ipc.children}
	 */
	public ChildProcessRegistrar(Environment environment) {
		this.environment = environment;
	}

	@Override
	public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
		String declaredBy = "@ChildProcess on " + importing.getClassName();
		Set<AnnotationAttributes> children = importing.getMergedRepeatableAnnotationAttributes(ChildProcess.class,
				ChildProcesses.class, false);
		for (AnnotationAttributes child : children) {
			register(registry, child.getString("name"), child.getStringArray("command"),
					mainClass(child.getClass("main")), child.getStringArray("jvmArguments"),
					child.getNumber("instances"), child.getBoolean("oneWay"), declaredBy);
		}
		if (children.isEmpty()) {
			Binder.get(this.environment)
				.bind("ipc.children", Bindable.mapOf(String.class, Object.class))
				.orElse(Map.of())
				.keySet()
				.forEach((name) -> {
					if (!registry.containsBeanDefinition(childBeanName(name))) {
						register(registry, name, new String[0], null, new String[0], 1, false, "ipc.children." + name);
					}
				});
		}
	}

	private static @Nullable String mainClass(Class<?> main) {
		return (main != void.class) ? main.getName() : null;
	}

	private static void register(BeanDefinitionRegistry registry, String name, String[] command, @Nullable String main,
			String[] jvmArguments, int instances, boolean oneWay, String declaredBy) {
		Assert.state(NAME.matcher(name).matches() && !name.equals("parent"),
				() -> "A child cannot be named '" + name + "' (" + declaredBy
						+ "): use letters, digits, '-' and '_', and not 'parent', which is the process above");
		Assert.state(instances > 0, () -> "The child '" + name + "' (" + declaredBy + ") needs at least one instance");
		checkDeclaredOnce(registry, name, declaredBy);
		RootBeanDefinition child = definition(CHILD_FACTORY, "child");
		child.setAttribute(DECLARED_BY, declaredBy);
		child.getConstructorArgumentValues().addIndexedArgumentValue(0, name);
		child.getConstructorArgumentValues().addIndexedArgumentValue(1, command);
		child.getConstructorArgumentValues().addIndexedArgumentValue(2, (main != null) ? main : "");
		child.getConstructorArgumentValues().addIndexedArgumentValue(3, jvmArguments);
		child.getConstructorArgumentValues().addIndexedArgumentValue(4, instances);
		child.getConstructorArgumentValues().addIndexedArgumentValue(5, oneWay);
		registerUnlessThere(registry, childBeanName(name), child);
		RootBeanDefinition template = definition(TEMPLATE_FACTORY, "template");
		template.getConstructorArgumentValues().addIndexedArgumentValue(0, name);
		// Found by its qualifier only: the auto-configured template stays the one
		// candidate.
		template.setDefaultCandidate(false);
		template.addQualifier(new AutowireCandidateQualifier(Qualifier.class, name));
		registerUnlessThere(registry, name + ClassUtils.getShortName(CborMessageTemplate.class), template);
	}

	private static void checkDeclaredOnce(BeanDefinitionRegistry registry, String name, String declaredBy) {
		if (registry.containsBeanDefinition(childBeanName(name))) {
			Object other = registry.getBeanDefinition(childBeanName(name)).getAttribute(DECLARED_BY);
			Assert.state(other == null || other.equals(declaredBy),
					() -> "The child '" + name + "' is declared twice: by " + other + " and by " + declaredBy);
		}
	}

	/** Of the type that the factory method returns. */
	private static RootBeanDefinition definition(String factory, String factoryMethod) {
		RootBeanDefinition definition = new RootBeanDefinition();
		definition.setFactoryBeanName(factory);
		definition.setFactoryMethodName(factoryMethod);
		return definition;
	}

	private static void registerUnlessThere(BeanDefinitionRegistry registry, String name, BeanDefinition definition) {
		if (!registry.containsBeanDefinition(name)) {
			registry.registerBeanDefinition(name, definition);
		}
	}

	private static String childBeanName(String name) {
		return name + "IpcChild";
	}

}
