/** Health, metrics and the Actuator endpoint of child processes and their messages. */
@NullMarked
package dev.tinyipc.spring.actuate;

import org.jspecify.annotations.NullMarked;
