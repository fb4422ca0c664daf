/** Thumbnails made in a worker process: an application to look at and to copy from. */
@NullMarked
package dev.tinyipc.demo;

import org.jspecify.annotations.NullMarked;
