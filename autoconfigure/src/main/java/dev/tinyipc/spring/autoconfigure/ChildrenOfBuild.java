package dev.tinyipc.spring.autoconfigure;

import java.util.HashSet;
import java.util.Set;

import dev.tinyipc.IpcSocket;
import dev.tinyipc.spring.ChildStartException;
import dev.tinyipc.spring.child.IpcChild;

import org.springframework.beans.factory.BeanFactoryUtils;
import org.springframework.beans.factory.ListableBeanFactory;
import org.springframework.boot.context.properties.source.ConfigurationPropertyName;
import org.springframework.core.env.Environment;

/**
 * The children of an application that was processed ahead of time. That has decided which
 * beans there are: properties that are set later change the settings of a child, but
 * declare no other one.
 */
final class ChildrenOfBuild {

	private ChildrenOfBuild() {
	}

	/** Refuses children that would silently be left out. */
	static void check(IpcProperties properties, Environment environment, ListableBeanFactory beans) {
		if (environment.containsProperty(IpcSocket.FD_VARIABLE)) {
			return; // a variable that is meant for the parent is inherited by its
					// children
		}
		Set<ConfigurationPropertyName> known = new HashSet<>();
		for (String bean : BeanFactoryUtils.beanNamesForTypeIncludingAncestors(beans, IpcChild.class, true, false)) {
			known.add(uniform(bean));
		}
		for (String name : properties.children().keySet()) {
			if (!known.contains(uniform(name + IpcChild.class.getSimpleName()))) {
				throw new ChildStartException(name,
						"it was not declared when this application was processed ahead of time, which decides what"
								+ " children it has. Set ipc.children." + name + " for the build, too, declare it with"
								+ " @ChildProcess, or start without -Dspring.aot.enabled=true",
						null);
			}
		}
	}

	private static ConfigurationPropertyName uniform(String name) {
		return ConfigurationPropertyName.adapt(name, '.');
	}

}
