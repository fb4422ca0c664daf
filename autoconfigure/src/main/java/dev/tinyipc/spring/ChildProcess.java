package dev.tinyipc.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import dev.tinyipc.Sandbox;

import org.springframework.context.annotation.Import;

/**
 * Declares a child process on any configuration or component class. The child is started
 * with the application and inherits one end of a socket pair; its name is the destination
 * that {@link CborMessageTemplate} sends messages to.
 *
 * <pre class="code">
 * &#64;SpringBootApplication
 * &#64;ChildProcess(name = "thumbnailer", main = ThumbnailWorker.class)
 * &#64;ChildProcess(name = "model", command = { "python3", "${model.script}" })
 * class Application {
 * </pre>
 *
 * The child has a bean {@code <name>IpcChild} and a template of its own, which is
 * injected with {@code @Qualifier("<name>")}. The properties
 * {@code ipc.children.<name>.*} take precedence over the annotation; their names follow
 * Spring Boot's rules for relaxed binding. A test slice without the auto-configuration
 * has no children, and an application that is itself a child starts none unless
 * {@code ipc.parent.start-children} is set.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Repeatable(ChildProcesses.class)
@Import(ChildProcessRegistrar.class)
public @interface ChildProcess {

	/**
	 * The child's name, which is also its destination.
	 * @return letters, digits, {@code -} and {@code _}; unique in the application
	 */
	String name();

	/**
	 * The program to run and its arguments. Placeholders (<code>${…}</code>) are resolved
	 * as in {@code @Value}.
	 * @return the program, looked up in PATH if its name has no slash, and its arguments
	 */
	String[] command() default {};

	/**
	 * The class to run in a JVM of its own, instead of a program. It must be on this
	 * application's class path.
	 * @return a class with a {@code main} method
	 */
	Class<?> main() default void.class;

	/**
	 * Arguments for the JVM that runs {@link #main()}, in addition to the defaults.
	 * Placeholders (<code>${…}</code>) are resolved as in {@code @Value}.
	 * @return such as {@code -Xmx256m}
	 */
	String[] jvmArguments() default {};

	/**
	 * The number of processes, all alike, that serve the destination, each with one
	 * request at a time unless {@link #concurrency()} says otherwise.
	 * @return at least 1
	 */
	int instances() default 1;

	/**
	 * Whether the child only receives messages or only sends them. By default, a child
	 * answers each message once. That includes a message sent by {@code convertAndSend},
	 * whose answer can be received and is otherwise dropped.
	 * @return whether it answers no requests
	 */
	boolean oneWay() default false;

	/**
	 * The number of requests that each process serves at a time, if its hello says that
	 * it can: each over a socket of its own.
	 * @return at least 1
	 */
	int concurrency() default 1;

	/**
	 * Whether the child says hello once it is ready to serve, as {@code IpcServer} does.
	 * It then gets no request before that, and the start of the application waits for it.
	 * By default, a child counts as ready as soon as its process runs.
	 * @return whether it says when it is ready
	 */
	boolean ready() default false;

	/**
	 * Whether the child's processes are forked from one that has loaded everything, and
	 * serves nothing itself. They start within milliseconds, and share the memory of what
	 * was loaded. The program must use the library for Python ({@code tiny_ipc}), and
	 * have one thread up to where it says that it is ready; it needs no other change. By
	 * default, each process is started by itself.
	 * @return whether there is a zygote
	 */
	boolean zygote() default false;

	/**
	 * What the child may do. The kernel enforces it, from before the child's first
	 * instruction. On a kernel that cannot, the application does not start, unless
	 * {@code ipc.children.<name>.sandbox.required} is false. A child with a profile
	 * inherits only a few harmless variables of this application's environment.
	 * @return the profile; by default, the child may do all that this application may do
	 */
	Sandbox.Profile sandbox() default Sandbox.Profile.NONE;

}
