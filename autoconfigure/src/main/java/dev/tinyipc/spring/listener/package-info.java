/** What serves the requests that {@code @IpcListener} is for. */
@NullMarked
package dev.tinyipc.spring.listener;

import org.jspecify.annotations.NullMarked;
