/**
 * Unix SEQPACKET sockets, the file descriptors that travel over them, and child processes
 * that inherit one: {@link dev.tinyipc.IpcSocket} for packets,
 * {@link dev.tinyipc.IpcChannel} for typed messages,
 * {@link dev.tinyipc.IpcProcessBuilder} for children.
 *
 * <p>
 * Everything here needs Linux on a 64-bit machine; elsewhere the first use throws
 * {@link dev.tinyipc.IpcException.NativeUnavailable}.
 */
@NullMarked
package dev.tinyipc;

import org.jspecify.annotations.NullMarked;
