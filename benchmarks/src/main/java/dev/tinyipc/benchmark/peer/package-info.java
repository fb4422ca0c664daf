/** Other ways to talk to a child process, each as somebody who knows it would use it. */
@NullMarked
package dev.tinyipc.benchmark.peer;

import org.jspecify.annotations.NullMarked;
