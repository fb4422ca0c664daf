package dev.tinyipc.spring;

import java.util.function.Consumer;

import dev.tinyipc.IpcServerBuilder;

/**
 * Answers the calls of a child: what it asks its parent, by {@code context.parent()} in
 * Java while it works on a request, or by {@code server.parent()} at any other time.
 * Beans of this type are found by the name of the child.
 *
 * <pre class="code">
 * &#64;Bean
 * ChildCalls rendererCalls(FontStore fonts) {
 *     return new ChildCalls("renderer", (calls) -&gt; calls
 *         .handler("font", String.class, (request) -&gt; fonts.find(request.payload())));
 * }
 * </pre>
 *
 * Handlers run in threads of their own, several at a time, and may call any child in
 * turn. Without such a bean, calls of the child are answered with an error.
 *
 * @param child the child's name
 * @param handlers adds the handlers; called once
 */
public record ChildCalls(String child, Consumer<IpcServerBuilder> handlers) {

}
