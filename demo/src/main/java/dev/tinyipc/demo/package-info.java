/** Thumbnails made by worker processes: an application to try out and to copy from. */
@NullMarked
package dev.tinyipc.demo;

import org.jspecify.annotations.NullMarked;
