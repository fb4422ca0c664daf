package dev.tinyipc;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/**
 * Names the methods of an interface that is the contract between two processes. One of
 * them calls it, and the other one implements it:
 *
 * <pre class="code">
 * &#64;IpcExchange("images.")
 * public interface Thumbnails {
 *
 *     OwnedFd thumbnail(Path picture, int width); // images.thumbnail
 *
 *     &#64;IpcExchange("kinds")
 *     Stream&lt;String&gt; supportedKinds(); // images.kinds
 *
 * }
 * </pre>
 *
 * The annotation is optional: without it, the names are those of the Java methods. They
 * must be unique within the contract. Default methods are not exchanged: they run where
 * they are called.
 *
 * <p>
 * <b>Parameters.</b> An {@link OwnedFd}, a {@code List<OwnedFd>}, a
 * {@link java.nio.file.Path} and an {@link java.io.InputStream} travel as descriptors, in
 * their order. The file of a path is opened for reading, and closed after the call; the
 * implementation gets another path, by which it can be opened during the call. The stream
 * must be one of {@link OwnedFd#inputStream()}. A {@link java.time.Duration} is not sent:
 * it is the timeout of the call, or of the whole stream, and null stands for the default.
 * The implementation gets the time that is left. One other parameter is the payload. If
 * there are several, the payload is a map by their names, which needs an interface that
 * was compiled with {@code -parameters}; if there is none, it is null.
 *
 * <p>
 * <b>Results.</b> A value of any type that Jackson reads; {@code Optional<T>}, whose
 * empty value is null on the wire; {@code void}, which waits for the reply all the same;
 * {@code IpcMessage<T>}, an {@code OwnedFd} or a {@code List<OwnedFd>}, to be closed by
 * the caller; and {@code Stream<T>}, also of {@code IpcMessage<T>}, to be closed by the
 * caller, too. Closing it before its end cancels the exchange. All but streams can also
 * be the result of a {@code CompletableFuture<T>}. The caller does not wait for it then,
 * and cancels the exchange by {@code cancel(true)}, which cancels the future of the
 * implementation, too.
 *
 * <p>
 * <b>Ownership.</b> Descriptors that are passed stay the caller's. Those that an
 * implementation receives are closed after the call, or when its future is completed, and
 * those that it returns once they are sent.
 *
 * @see IpcServerBuilder#service
 */
@Target({ ElementType.TYPE, ElementType.METHOD })
@Retention(RetentionPolicy.RUNTIME)
@Documented
public @interface IpcExchange {

	/**
	 * On an interface, what the names of all methods begin with; that of the contract
	 * takes precedence over those of the interfaces that it extends. On a method, its
	 * name.
	 * @return empty for no prefix, or the name of the Java method
	 */
	String value() default "";

}
