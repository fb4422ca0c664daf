/** What operators see of child processes and their messages. */
@NullMarked
package dev.tinyipc.spring.actuate;

import org.jspecify.annotations.NullMarked;
