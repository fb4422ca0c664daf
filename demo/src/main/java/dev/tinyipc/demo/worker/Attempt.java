package dev.tinyipc.demo.worker;

import org.jspecify.annotations.Nullable;

/**
 * Something that an exploit tried in a worker.
 *
 * @param action what it tried
 * @param refusal why it failed, in the words of the kernel; null if it succeeded
 */
public record Attempt(String action, @Nullable String refusal) {
}
