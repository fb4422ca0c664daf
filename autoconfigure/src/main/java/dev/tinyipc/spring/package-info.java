/**
 * Messaging with child processes, the Spring way:
 * {@link dev.tinyipc.spring.ChildProcess @ChildProcess} declares a child,
 * {@link dev.tinyipc.spring.CborMessageTemplate} talks to it.
 */
@NullMarked
package dev.tinyipc.spring;

import org.jspecify.annotations.NullMarked;
