/**
 * Supervision of child processes: what is declared, the instances that run, and how they
 * are lent, restarted and stopped.
 */
@NullMarked
package dev.tinyipc.spring.child;

import org.jspecify.annotations.NullMarked;
