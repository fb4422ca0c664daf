package dev.tinyipc.spring;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import dev.tinyipc.IpcSocket;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.beans.factory.BeanFactory;
import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.HierarchicalBeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.beans.factory.support.AutowireCandidateQualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.context.properties.bind.Bindable;
import org.springframework.boot.context.properties.bind.Binder;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.context.annotation.ImportBeanDefinitionRegistrar;
import org.springframework.core.annotation.AnnotationAttributes;
import org.springframework.core.env.Environment;
import org.springframework.core.type.AnnotationMetadata;
import org.springframework.util.Assert;
import org.springframework.util.ClassUtils;

/**
 * Registers the beans of children: of those that {@link ChildProcess @ChildProcess}
 * declares on the importing class, or, where there are none, of those in
 * {@code ipc.children}. They are plain definitions with a factory method, which
 * ahead-of-time processing can write down. They are abstract until the auto-configuration
 * comes, which has the factories: a slice of an application that goes without it has no
 * children.
 */
class ChildProcessRegistrar implements ImportBeanDefinitionRegistrar {

	private static final Logger logger = LoggerFactory.getLogger(ChildProcessRegistrar.class);

	/** The bean that makes the beans of children. */
	private static final String CHILD_FACTORY = "ipcChildFactory";

	/** The bean that makes their templates. */
	private static final String TEMPLATE_FACTORY = "ipcTemplateFactory";

	private static final String CHILD_SUFFIX = "IpcChild";

	private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*");

	private static final ConfigurationPropertyName CHILDREN = ConfigurationPropertyName.of("ipc.children");

	private static final String DECLARED_BY = ChildProcessRegistrar.class.getName() + ".declaredBy";

	private final Environment environment;

	private final BeanFactory beanFactory;

	/**
	 * Called by the container.
	 * @param environment holds {@code ipc.children}
	 * @param beanFactory knows the children of parent contexts
	 */
	ChildProcessRegistrar(Environment environment, BeanFactory beanFactory) {
		this.environment = environment;
		this.beanFactory = beanFactory;
	}

	@Override
	public void registerBeanDefinitions(AnnotationMetadata importing, BeanDefinitionRegistry registry) {
		Set<AnnotationAttributes> children = importing.getMergedRepeatableAnnotationAttributes(ChildProcess.class,
				ChildProcesses.class, false);
		if (children.isEmpty()) {
			registerThoseOfProperties(registry);
			return;
		}
		String declaredBy = "@ChildProcess on " + importing.getClassName();
		Set<String> names = new HashSet<>();
		for (AnnotationAttributes child : children) {
			String name = child.getString("name");
			Assert.state(names.add(name), () -> "The child '" + name + "' is declared twice: by " + declaredBy);
			register(registry, name, child.getStringArray("command"), mainClass(child.getClass("main")),
					child.getStringArray("jvmArguments"), child.getNumber("instances"), child.getBoolean("oneWay"),
					declaredBy);
		}
	}

	private static @Nullable String mainClass(Class<?> main) {
		return (main != void.class) ? main.getName() : null;
	}

	private void registerThoseOfProperties(BeanDefinitionRegistry registry) {
		Map<ConfigurationPropertyName, String> declared = declared(registry);
		declared.values().forEach((name) -> {
			((AbstractBeanDefinition) registry.getBeanDefinition(childBeanName(name))).setAbstract(false);
			((AbstractBeanDefinition) registry.getBeanDefinition(templateBeanName(name))).setAbstract(false);
		});
		Binder binder = Binder.get(this.environment);
		Map<ConfigurationPropertyName, String> ofProperties = new HashMap<>();
		binder.bind(CHILDREN, Bindable.mapOf(String.class, Object.class)).orElse(Map.of()).keySet().forEach((name) -> {
			checkName(name, "ipc.children." + name);
			ofProperties.merge(uniform(name), name, ChildProcessRegistrar::oneSpelling);
		});
		ofProperties.forEach((uniform, name) -> {
			if (!declared.containsKey(uniform) && isDeclaration(binder, name, declared)) {
				register(registry, name, new String[0], null, new String[0], 1, false, "ipc.children." + name);
			}
		});
	}

	/**
	 * A variable of the environment knows the uniform spelling only, so that the other
	 * one is meant.
	 */
	private static String oneSpelling(String name, String other) {
		String uniform = uniform(name).toString();
		Assert.state(name.equals(uniform) || other.equals(uniform),
				() -> "'" + name + "' and '" + other + "' in ipc.children are two spellings of one name: use one");
		return name.equals(uniform) ? other : name;
	}

	/** Settings alone are meant for a child that is declared somewhere else. */
	private boolean isDeclaration(Binder binder, String name, Map<ConfigurationPropertyName, String> declared) {
		ConfigurationPropertyName child = CHILDREN.append(uniform(name));
		if (inAncestors().contains(uniform(name))) {
			return false;
		}
		if (binder.bind(child.append("command"), Bindable.listOf(String.class)).isBound()
				|| binder.bind(child.append("main"), Bindable.of(String.class)).isBound()) {
			return true;
		}
		if (this.environment.containsProperty(IpcSocket.FD_VARIABLE)) {
			// A variable that is meant for the parent is inherited from it.
			logger.debug("ipc.children.{} is not used: no such child is declared", name);
			return false;
		}
		throw new ChildStartException(name,
				"neither a command nor a main class is declared, only settings in ipc.children." + name + ". "
						+ (declared.isEmpty() ? "There is no @ChildProcess at all" : "There are @ChildProcess for: "
								+ String.join(", ", declared.values().stream().sorted().toList())),
				null);
	}

	private void register(BeanDefinitionRegistry registry, String name, String[] command, @Nullable String main,
			String[] jvmArguments, int instances, boolean oneWay, String declaredBy) {
		checkName(name, declaredBy);
		Assert.state(instances > 0, () -> "The child '" + name + "' (" + declaredBy + ") needs at least one instance");
		if (inAncestors().contains(uniform(name))) {
			logger.info("The child '{}' of {} is that of the parent context, and is not started once more", name,
					declaredBy);
			return;
		}
		if (isDeclaredAlready(registry, name, declaredBy)) {
			return;
		}
		RootBeanDefinition child = definition(registry, CHILD_FACTORY, "child");
		child.setAttribute(DECLARED_BY, declaredBy);
		child.getConstructorArgumentValues().addIndexedArgumentValue(0, name);
		child.getConstructorArgumentValues().addIndexedArgumentValue(1, command);
		child.getConstructorArgumentValues().addIndexedArgumentValue(2, (main != null) ? main : "");
		child.getConstructorArgumentValues().addIndexedArgumentValue(3, jvmArguments);
		child.getConstructorArgumentValues().addIndexedArgumentValue(4, instances);
		child.getConstructorArgumentValues().addIndexedArgumentValue(5, oneWay);
		registry.registerBeanDefinition(childBeanName(name), child);
		RootBeanDefinition template = definition(registry, TEMPLATE_FACTORY, "template");
		template.getConstructorArgumentValues().addIndexedArgumentValue(0, name);
		// Found by its qualifier only: the auto-configured template stays the one
		// candidate.
		template.setDefaultCandidate(false);
		template.addQualifier(new AutowireCandidateQualifier(Qualifier.class, name));
		if (!registry.containsBeanDefinition(templateBeanName(name))) {
			registry.registerBeanDefinition(templateBeanName(name), template);
		}
	}

	private static void checkName(String name, String declaredBy) {
		Assert.state(NAME.matcher(name).matches() && !uniform(name).equals(uniform("parent")),
				() -> "A child cannot be named '" + name + "' (" + declaredBy
						+ "): use letters, digits, '-' and '_', and not 'parent', which is the process above");
	}

	/** A class can be registered as two beans, but two classes cannot mean one child. */
	private static boolean isDeclaredAlready(BeanDefinitionRegistry registry, String name, String declaredBy) {
		String other = declared(registry).get(uniform(name));
		if (other == null) {
			return false;
		}
		Object otherDeclaredBy = registry.getBeanDefinition(childBeanName(other)).getAttribute(DECLARED_BY);
		Assert.state(other.equals(name) && declaredBy.equals(otherDeclaredBy), () -> "The child '" + name
				+ "' is declared twice: as '" + other + "' by " + otherDeclaredBy + " and by " + declaredBy);
		return true;
	}

	/** Of the type that the factory method returns. */
	private static RootBeanDefinition definition(BeanDefinitionRegistry registry, String factory,
			String factoryMethod) {
		RootBeanDefinition definition = new RootBeanDefinition();
		definition.setFactoryBeanName(factory);
		definition.setFactoryMethodName(factoryMethod);
		definition.setAbstract(!registry.containsBeanDefinition(factory));
		return definition;
	}

	/** What this context declares so far. */
	private static Map<ConfigurationPropertyName, String> declared(BeanDefinitionRegistry registry) {
		Map<ConfigurationPropertyName, String> declared = new HashMap<>();
		for (String bean : registry.getBeanDefinitionNames()) {
			if (registry.getBeanDefinition(bean).hasAttribute(DECLARED_BY)) {
				String name = bean.substring(0, bean.length() - CHILD_SUFFIX.length());
				declared.put(uniform(name), name);
			}
		}
		return declared;
	}

	private Set<ConfigurationPropertyName> inAncestors() {
		Set<ConfigurationPropertyName> names = new HashSet<>();
		if (this.beanFactory instanceof HierarchicalBeanFactory hierarchical
				&& hierarchical.getParentBeanFactory() instanceof ListableBeanFactory parent) {
			Arrays
				.stream(BeanFactoryUtils.beanNamesForTypeIncludingAncestors(parent, IpcDestination.class, true, false))
				.filter((bean) -> bean.endsWith(CHILD_SUFFIX))
				.forEach((bean) -> names.add(uniform(bean.substring(0, bean.length() - CHILD_SUFFIX.length()))));
		}
		return names;
	}

	/** Compares as Boot compares the names of properties. */
	private static ConfigurationPropertyName uniform(String name) {
		return ConfigurationPropertyName.of(ConfigurationPropertyName.adapt(name, '.').getLastElement(Form.UNIFORM));
	}

	private static String childBeanName(String name) {
		return name + CHILD_SUFFIX;
	}

	private static String templateBeanName(String name) {
		return name + ClassUtils.getShortName(CborMessageTemplate.class);
	}

}
