/**
 * Exchanges as observations of Micrometer, for traces and metrics. Nothing outside this
 * package and the auto-configuration needs Micrometer for that.
 */
@NullMarked
package dev.tinyipc.spring.observation;

import org.jspecify.annotations.NullMarked;
