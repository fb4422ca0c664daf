package dev.tinyipc.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Repeatable;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.context.annotation.Import;

/**
 * Declares clients of a destination as beans, on any configuration or component class:
 *
 * <pre class="code">
 * &#64;SpringBootApplication
 * &#64;ChildProcess(name = "thumbnailer", main = ThumbnailWorker.class, ready = true)
 * &#64;ImportIpcServices(destination = "thumbnailer", types = Thumbnails.class)
 * class Application {
 * </pre>
 *
 * They are created when the first bean needs them. A bean of the application's own of the
 * same type takes precedence. Clients of several destinations for one type are told apart
 * by {@code @Qualifier} with the destination.
 *
 * <p>
 * If the destination is a child that says what methods it has before the application is
 * started, as one does that is declared as {@link ChildProcess#ready() ready}, the start
 * fails if it lacks one that the type has.
 *
 * @see IpcServiceProxyFactory
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Repeatable(ImportIpcServices.Container.class)
@Import(IpcServicesRegistrar.class)
public @interface ImportIpcServices {

	/**
	 * Whom the clients call.
	 * @return the name of a destination
	 */
	String destination();

	/**
	 * The interfaces, as {@link dev.tinyipc.IpcExchange} describes them.
	 * @return one for each client
	 */
	Class<?>[] types();

	/** Container of several {@link ImportIpcServices @ImportIpcServices} annotations. */
	@Target(ElementType.TYPE)
	@Retention(RetentionPolicy.RUNTIME)
	@Documented
	@Import(IpcServicesRegistrar.class)
	@interface Container {

		/**
		 * The declared clients.
		 * @return one for each destination
		 */
		ImportIpcServices[] value();

	}

}
