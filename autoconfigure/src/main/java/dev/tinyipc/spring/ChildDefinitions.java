package dev.tinyipc.spring;

import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;

import dev.tinyipc.Sandbox;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.HierarchicalBeanFactory;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.beans.factory.annotation.Qualifier;
import org.springframework.beans.factory.support.AbstractBeanDefinition;
import org.springframework.beans.factory.support.AutowireCandidateQualifier;
import org.springframework.beans.factory.support.BeanDefinitionRegistry;
import org.springframework.beans.factory.support.RootBeanDefinition;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName.Form;
import org.springframework.util.Assert;
import org.springframework.util.ClassUtils;

/**
 * Registers the bean definitions of children in one context. They refer to a factory
 * method, which ahead-of-time processing can turn into code, and are abstract until the
 * auto-configuration provides the factories: a test slice without it has no children.
 */
final class ChildDefinitions {

	private static final Logger logger = LoggerFactory.getLogger(ChildDefinitions.class);

	/** The bean that makes the beans of children. */
	private static final String CHILD_FACTORY = "ipcChildFactory";

	/** The bean that makes their templates. */
	private static final String TEMPLATE_FACTORY = "ipcTemplateFactory";

	private static final String CHILD_SUFFIX = "IpcChild";

	private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*");

	private static final String DECLARED_BY = ChildDefinitions.class.getName() + ".declaredBy";

	private final BeanDefinitionRegistry registry;

	ChildDefinitions(BeanDefinitionRegistry registry) {
		this.registry = registry;
	}

	/**
	 * The declaration of a child.
	 *
	 * @param name the child's name
	 * @param by what declares it, for messages
	 * @param command the program and its arguments, empty for none
	 * @param main the main class, empty for none
	 * @param jvmArguments arguments of the main class's JVM
	 * @param instances the number of processes
	 * @param oneWay whether it answers no requests
	 * @param concurrency the number of requests that each serves at a time
	 * @param ready whether it says hello once it is ready
	 * @param zygote whether the processes are forked from one that has loaded everything
	 * @param sandbox what it may do
	 */
	record Declaration(String name, String by, String[] command, String main, String[] jvmArguments, int instances,
			int concurrency, boolean oneWay, boolean ready, boolean zygote, Sandbox.Profile sandbox) {

		Declaration {
			checkName(name, by);
			Assert.state(instances > 0, () -> "The child '" + name + "' (" + by + ") needs at least one instance");
		}

	}

	/** Registers a child, unless an ancestor of the context has one of that name. */
	void register(Declaration declaration) {
		String name = declaration.name();
		if (isInAncestor(name)) {
			logger.info("The child '{}' declared by {} already runs in the parent context and is not started again",
					name, declaration.by());
			return;
		}
		if (isRegistered(declaration)) {
			return;
		}
		RootBeanDefinition child = definition(CHILD_FACTORY, "child", name, declaration.command(), declaration.main(),
				declaration.jvmArguments(), declaration.instances(), declaration.concurrency(), declaration.oneWay(),
				declaration.ready(), declaration.zygote(), declaration.sandbox());
		child.setAttribute(DECLARED_BY, declaration.by());
		this.registry.registerBeanDefinition(childBeanName(name), child);
		RootBeanDefinition template = definition(TEMPLATE_FACTORY, "template", name);
		// Found by its qualifier only: the auto-configured template stays the only
		// candidate.
		template.setDefaultCandidate(false);
		template.addQualifier(new AutowireCandidateQualifier(Qualifier.class, name));
		if (!this.registry.containsBeanDefinition(templateBeanName(name))) {
			this.registry.registerBeanDefinition(templateBeanName(name), template);
		}
	}

	/**
	 * A class can be registered as two beans, but two classes cannot declare one child.
	 */
	private boolean isRegistered(Declaration declaration) {
		String other = names().get(uniform(declaration.name()));
		if (other == null) {
			return false;
		}
		Object by = this.registry.getBeanDefinition(childBeanName(other)).getAttribute(DECLARED_BY);
		Assert.state(other.equals(declaration.name()) && declaration.by().equals(by),
				() -> "The child '" + declaration.name() + "' is declared twice: as '" + other + "' by " + by
						+ " and by " + declaration.by());
		return true;
	}

	/** Leaves the bean's type to the factory method. */
	private RootBeanDefinition definition(String factory, String factoryMethod, Object... arguments) {
		RootBeanDefinition definition = new RootBeanDefinition();
		definition.setFactoryBeanName(factory);
		definition.setFactoryMethodName(factoryMethod);
		definition.setAbstract(!this.registry.containsBeanDefinition(factory));
		for (int i = 0; i < arguments.length; i++) {
			definition.getConstructorArgumentValues().addIndexedArgumentValue(i, arguments[i]);
		}
		return definition;
	}

	/** Turns all definitions into beans, now that their factories exist. */
	void activate() {
		for (String name : names().values()) {
			activate(childBeanName(name));
			activate(templateBeanName(name));
		}
	}

	/**
	 * Registers the definition anew: conditions may have asked for beans by type before,
	 * and the container remembers from then that the definition is abstract.
	 */
	private void activate(String bean) {
		AbstractBeanDefinition definition = (AbstractBeanDefinition) this.registry.getBeanDefinition(bean);
		this.registry.removeBeanDefinition(bean);
		definition.setAbstract(false);
		this.registry.registerBeanDefinition(bean, definition);
	}

	/** The names of the children registered so far, as they are spelled. */
	Map<ConfigurationPropertyName, String> names() {
		Map<ConfigurationPropertyName, String> names = new HashMap<>();
		for (String bean : this.registry.getBeanDefinitionNames()) {
			if (this.registry.getBeanDefinition(bean).hasAttribute(DECLARED_BY)) {
				names.put(uniform(childName(bean)), childName(bean));
			}
		}
		return names;
	}

	boolean isInAncestor(String name) {
		Set<ConfigurationPropertyName> names = new HashSet<>();
		if (this.registry instanceof HierarchicalBeanFactory beanFactory
				&& beanFactory.getParentBeanFactory() instanceof ListableBeanFactory parent) {
			Arrays
				.stream(BeanFactoryUtils.beanNamesForTypeIncludingAncestors(parent, IpcDestination.class, true, false))
				.filter((bean) -> bean.endsWith(CHILD_SUFFIX))
				.forEach((bean) -> names.add(uniform(childName(bean))));
		}
		return names.contains(uniform(name));
	}

	static void checkName(String name, String declaredBy) {
		Assert.state(NAME.matcher(name).matches() && !uniform(name)
			.equals(uniform("parent")), () -> "A child cannot be named '" + name + "' (" + declaredBy
					+ "): use letters, digits, '-' and '_', and not 'parent', which is the process that started this one");
	}

	/** Compares as Boot compares the names of properties. */
	static ConfigurationPropertyName uniform(String name) {
		return ConfigurationPropertyName.of(ConfigurationPropertyName.adapt(name, '.').getLastElement(Form.UNIFORM));
	}

	private static String childName(String bean) {
		return bean.substring(0, bean.length() - CHILD_SUFFIX.length());
	}

	private static String childBeanName(String name) {
		return name + CHILD_SUFFIX;
	}

	private static String templateBeanName(String name) {
		return name + ClassUtils.getShortName(CborMessageTemplate.class);
	}

}
