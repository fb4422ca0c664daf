/** The contenders that are tiny-ipc itself, layer by layer, and their children. */
@NullMarked
package dev.tinyipc.benchmark.own;

import org.jspecify.annotations.NullMarked;
