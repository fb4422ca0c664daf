package dev.tinyipc.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.context.annotation.Import;

/** Container of several {@link ChildProcess @ChildProcess} annotations. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Import(ChildProcessRegistrar.class)
public @interface ChildProcesses {

	/**
	 * The declared children.
	 * @return one for each child
	 */
	ChildProcess[] value();

}
