/**
 * Supervision of child processes: starting, restarting and stopping their instances, and
 * lending them to callers.
 */
@NullMarked
package dev.tinyipc.spring.child;

import org.jspecify.annotations.NullMarked;
