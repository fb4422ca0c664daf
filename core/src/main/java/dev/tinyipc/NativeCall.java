package dev.tinyipc;

import java.lang.ref.Reference;
import java.util.concurrent.atomic.AtomicLong;

import org.jspecify.annotations.Nullable;

/**
 * A system call that is prepared in one place and made in another, where nothing may be
 * loaded any more.
 *
 * @param name its name, for messages
 * @param number its number
 * @param first the first argument
 * @param second the second argument
 * @param third the third argument
 * @param result where to leave what the kernel returns; null if nobody wants it
 */
record NativeCall(String name, long number, long first, long second, long third, @Nullable AtomicLong result) {

	static NativeCall of(String name, long number, long first, long second, long third) {
		return new NativeCall(name, number, first, second, third, null);
	}

	/** The same call, which leaves its result where another thread finds it at once. */
	NativeCall leavingResultIn(AtomicLong result) {
		return new NativeCall(this.name, this.number, this.first, this.second, this.third, result);
	}

	/**
	 * Makes the call. The arguments that it does not have are zero.
	 * @return what the kernel returns; if that is negative, {@link Errno#last()} tells
	 * why
	 */
	long make() {
		long returned = LibC.syscall(this.number, this.first, this.second, this.third, 0, 0);
		if (this.result != null && returned >= 0) {
			this.result.set(returned);
		}
		return returned;
	}

	/** Makes the call, and returns its error number, or 0. */
	int errorUsing(Object memory) {
		long result = make();
		Reference.reachabilityFence(memory);
		return (result < 0) ? Errno.last() : 0;
	}

}
