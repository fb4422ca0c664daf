package dev.tinyipc.spring;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.messaging.handler.annotation.MessageMapping;

/**
 * Has a bean answer requests: in an application that was started as a child those of its
 * parent, and in the parent the calls that a child makes.
 *
 * <pre class="code">
 * &#64;Component
 * class Reports {
 *
 *     &#64;IpcListener("parent")
 *     Report report(&#64;Valid Query query, &#64;Header("tenant") String tenant) {
 *         ...
 *     }
 *
 *     &#64;IpcListener("parent")
 *     Stream&lt;Row&gt; rows(Query query, OwnedFd source, IpcContext context) {
 *         ...
 *     }
 *
 *     &#64;MessageExceptionHandler
 *     Report unknown(NoSuchCustomerException ex) {
 *         return Report.EMPTY;
 *     }
 *
 * }
 * </pre>
 *
 * <b>Parameters of a method.</b> One is the payload, of any type that Jackson reads; it
 * may be annotated with {@code @Payload}, and is validated if it is annotated with
 * {@code @Valid} or {@code @Validated} and there is a
 * {@link org.springframework.validation.Validator}. {@code @Header}, {@code @Headers} and
 * {@code Message<T>} are those of Spring Messaging. {@link dev.tinyipc.OwnedFd} and
 * {@link java.io.InputStream} are the descriptors that come with the request, in their
 * order, and one {@code List<OwnedFd>} takes those that are left. They are closed after
 * the call, or after the last element of its stream: duplicate those that are to be kept.
 * {@link dev.tinyipc.IpcContext} tells the method, the deadline and whether the request
 * was cancelled.
 *
 * <p>
 * <b>Results.</b> A value, {@code Optional}, {@code void}, which replies null;
 * {@link dev.tinyipc.IpcMessage#of IpcMessage}, {@link dev.tinyipc.IpcServer.Reply
 * IpcServer.Reply}, {@code OwnedFd} or {@code List<OwnedFd>} for a reply with
 * descriptors, which are closed once they are sent; {@code Stream}, also of those;
 * {@code CompletableFuture} of any of them, which is cancelled with the request. An
 * exception is an error item, unless a method of the bean that is annotated with
 * {@code @MessageExceptionHandler} takes it: its result is the reply, and an exception
 * that it throws the error.
 *
 * <p>
 * <b>On a class</b>, all methods of the interfaces that it implements are served, if they
 * are annotated with {@link dev.tinyipc.IpcExchange}. What that says of parameters and
 * results applies then.
 *
 * <p>
 * What all listeners of a destination serve together is started and stopped by
 * {@code IpcListenerEndpointRegistry}. A parent is told that its child is ready, and what
 * methods it has, at the end of the start of the child's application. An application that
 * is being stopped finishes what it works on, and refuses further requests.
 */
@Target({ ElementType.TYPE, ElementType.METHOD })
@Retention(RetentionPolicy.RUNTIME)
@Documented
@MessageMapping
public @interface IpcListener {

	/** As {@link #method()}, stands for requests that name no method. */
	String NO_METHOD = "(none)";

	/**
	 * Whose requests are served: {@code parent}, or the names of children. Placeholders
	 * (<code>${…}</code>) are resolved.
	 * @return at least one destination
	 */
	String[] value();

	/**
	 * The name of the method in requests. On a class, the interface decides. Placeholders
	 * (<code>${…}</code>) are resolved.
	 * @return {@link #NO_METHOD} for requests that name none; by default, the name of the
	 * Java method
	 */
	String method() default "";

	/**
	 * The number of requests that are served at a time. All listeners of a destination
	 * share it, so only one of them needs to set it. Placeholders (<code>${…}</code>) are
	 * resolved.
	 * @return a number from 1; by default, {@code ipc.listener.concurrency} for the
	 * parent, and no limit for the calls of children
	 */
	String concurrency() default "";

}
