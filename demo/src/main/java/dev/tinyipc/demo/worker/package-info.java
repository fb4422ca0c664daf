/** The worker process: plain Java on the core, without Spring. */
@NullMarked
package dev.tinyipc.demo.worker;

import org.jspecify.annotations.NullMarked;
