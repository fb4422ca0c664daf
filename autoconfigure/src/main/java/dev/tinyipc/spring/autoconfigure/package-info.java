/** Auto-configuration for {@code dev.tinyipc.spring}. */
@NullMarked
package dev.tinyipc.spring.autoconfigure;

import org.jspecify.annotations.NullMarked;
