package dev.tinyipc.spring.test;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

import org.springframework.boot.autoconfigure.ImportAutoConfiguration;

/**
 * Annotation for a test class whose application gets handlers in this JVM in place of its
 * child processes. {@link TestIpcChild} beans have the handlers. They are asked over a
 * real socket pair by everything that asks a process otherwise, so that encoding,
 * timeouts, restarts and events are those of production. The environment, profile and
 * limits of a process do not apply to them. A declared child without such a bean is not
 * started, and calls to it fail.
 *
 * <pre class="code">
 * &#64;SpringBootTest
 * &#64;AutoConfigureTestIpc
 * class AlbumTests {
 *
 *     &#64;Autowired
 *     IpcFaults faults;
 *
 *     &#64;TestConfiguration
 *     static class Children {
 *
 *         &#64;Bean
 *         TestIpcChild scaler() {
 *             return TestIpcChild.of("scaler", Scaler.class, (picture, size) -&gt; picture);
 *         }
 *
 *     }
 *
 * }
 * </pre>
 *
 * Test slices such as {@code @WebMvcTest} have no children by themselves. With this
 * annotation, they do.
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ImportAutoConfiguration
public @interface AutoConfigureTestIpc {

}
