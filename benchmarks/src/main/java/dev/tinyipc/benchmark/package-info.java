/** Speed, measured side by side: the harness, and what a contender has to be. */
@NullMarked
package dev.tinyipc.benchmark;

import org.jspecify.annotations.NullMarked;
