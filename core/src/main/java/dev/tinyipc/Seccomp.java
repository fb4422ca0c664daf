package dev.tinyipc;

import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Predicate;

/**
 * A filter of system calls ({@code seccomp(2)}): a program that the kernel runs before
 * each of them ({@code <linux/filter.h>}, {@code <linux/seccomp.h>}):
 *
 * <pre>
 * struct sock_filter {             struct seccomp_data {              struct sock_fprog {
 *     __u16 code;     // 0             int   nr;                  // 0      unsigned short len;     // 0
 *     __u8  jt;       // 2             __u32 arch;                // 4      struct sock_filter *filter; // 8
 *     __u8  jf;       // 3             __u64 instruction_pointer; // 8  };                          // 16 bytes
 *     __u32 k;        // 4             __u64 args[6];             // 16
 * };                  // 8 bytes   };
 * </pre>
 *
 * <pre>
 * architecture is not ours          -&gt; ENOSYS   32-bit calls, which have other numbers
 * number has bit 30 (x86-64: x32)   -&gt; ENOSYS   the same calls by other numbers
 * number is in the table,
 *     and so are its arguments      -&gt; its error
 * any other                         -&gt; allowed
 * </pre>
 *
 * What is denied is in {@link DeniedCalls}. The kernel runs a filter for each number when
 * it is installed (since Linux 5.11), and then knows which are always allowed: those cost
 * nothing. For the sake of that run, a number is found by halving the table.
 */
final class Seccomp {

	private static final long SET_MODE_FILTER = 1, GET_ACTION_AVAIL = 2;

	private static final int ALLOW = 0x7fff0000, ERRNO = 0x00050000, ASK = 0x7fc00000;

	/** {@code SECCOMP_FILTER_FLAG_NEW_LISTENER}. */
	private static final int NEW_LISTENER = 8;

	/**
	 * {@code SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV} (since Linux 5.19): signals do not
	 * interrupt a call that has been received.
	 */
	static final int WAIT_KILLABLE = 32;

	// <linux/bpf_common.h>

	private static final short LOAD = 0x20, JUMP = 0x05, JUMP_IF_EQUAL = 0x15, JUMP_IF_AT_LEAST = 0x35,
			JUMP_IF_BITS = 0x45, RETURN = 0x06, AND = 0x54;

	private static final int NUMBER = 0, ARCHITECTURE = 4, ARGUMENTS = 16;

	private static final int X32 = 0x40000000;

	private static final int INSTRUCTION_SIZE = 8, PROGRAM_SIZE = 16;

	/** From here on, each number in turn is asked for. */
	private static final int FEW = 3;

	private final List<Long> instructions = new ArrayList<>();

	private final Predicate<DeniedCalls.Row> asks;

	private Seccomp(Predicate<DeniedCalls.Row> asks) {
		this.asks = asks;
	}

	/** The error number if this process may not filter, or the kernel cannot; else 0. */
	static int unavailable() {
		NativeBuffer action = NativeBuffer.zeroed(Integer.BYTES);
		action.bytes().putInt(0, ERRNO);
		return NativeCall.of("seccomp", Machine.SYS_SECCOMP, GET_ACTION_AVAIL, 0, action.address()).errorUsing(action);
	}

	/**
	 * The call that makes the calling thread, and what it starts from then on, subject to
	 * a filter. It needs {@code PR_SET_NO_NEW_PRIVS}, and does not concern other threads.
	 */
	static NativeCall restrictSelf(NativeBuffer filter) {
		return NativeCall.of("seccomp", Machine.SYS_SECCOMP, SET_MODE_FILTER, 0, filter.address());
	}

	/**
	 * As {@link #restrictSelf}, for a filter that asks about some calls. It returns the
	 * descriptor of the {@link SeccompListener} that is asked.
	 * @param flags {@link #WAIT_KILLABLE} or none
	 */
	static NativeCall listenToSelf(NativeBuffer filter, int flags) {
		return NativeCall.of("seccomp(SECCOMP_FILTER_FLAG_NEW_LISTENER)", Machine.SYS_SECCOMP, SET_MODE_FILTER,
				NEW_LISTENER | flags, filter.address());
	}

	/** A program that denies the calls of a table, in memory of its own. */
	static NativeBuffer filter(List<DeniedCalls.Row> table) {
		return filter(table, (row) -> false);
	}

	/**
	 * A program that denies the calls of a table, in memory of its own.
	 * @param asks whether to ask the listener about a call instead
	 */
	static NativeBuffer filter(List<DeniedCalls.Row> table, Predicate<DeniedCalls.Row> asks) {
		TreeMap<Integer, List<DeniedCalls.Row>> rows = new TreeMap<>();
		for (DeniedCalls.Row row : table) {
			if (row.number() >= 0) {
				rows.computeIfAbsent(row.number(), (number) -> new ArrayList<>()).add(row);
			}
		}
		Seccomp program = new Seccomp(asks);
		program.add(LOAD, ARCHITECTURE);
		program.add(JUMP_IF_EQUAL, Machine.AUDIT_ARCH, 1, 0);
		program.add(RETURN, ERRNO | Errno.ENOSYS.number);
		program.add(LOAD, NUMBER);
		program.add(JUMP_IF_AT_LEAST, X32, 0, 1);
		program.add(RETURN, ERRNO | Errno.ENOSYS.number);
		program.search(List.copyOf(rows.values()));
		return program.toMemory();
	}

	/** Finds the rows of a number, of which the accumulator has the one to look for. */
	private void search(List<List<DeniedCalls.Row>> numbers) {
		if (numbers.size() <= FEW) {
			numbers.forEach(this::decide);
			add(RETURN, ALLOW);
			return;
		}
		int middle = numbers.size() / 2;
		Seccomp lower = new Seccomp(this.asks);
		lower.search(numbers.subList(0, middle));
		add(JUMP_IF_AT_LEAST, numbers.get(middle).get(0).number(), 0, 1);
		add(JUMP, lower.instructions.size());
		this.instructions.addAll(lower.instructions);
		search(numbers.subList(middle, numbers.size()));
	}

	private void decide(List<DeniedCalls.Row> rowsOfNumber) {
		Seccomp decision = new Seccomp(this.asks);
		rowsOfNumber.forEach(decision::deny);
		decision.add(RETURN, ALLOW);
		add(JUMP_IF_EQUAL, rowsOfNumber.get(0).number(), 0, decision.instructions.size());
		this.instructions.addAll(decision.instructions);
	}

	private void deny(DeniedCalls.Row row) {
		if (row.test() != DeniedCalls.Test.ALWAYS) {
			// The low half: the kernel looks at no more of the arguments in the table.
			add(LOAD, ARGUMENTS + row.argument() * Long.BYTES);
		}
		switch (row.test()) {
			case ALWAYS -> {
			}
			case IS -> {
				add(AND, row.mask());
				add(JUMP_IF_EQUAL, row.value(), 0, 1);
			}
			case IS_NOT -> {
				add(AND, row.mask());
				add(JUMP_IF_EQUAL, row.value(), 1, 0);
			}
			case HAS_ANY -> add(JUMP_IF_BITS, row.mask(), 0, 1);
		}
		add(RETURN, this.asks.test(row) ? ASK : ERRNO | row.error().number);
	}

	private void add(short code, int operand) {
		add(code, operand, 0, 0);
	}

	private void add(short code, int operand, int ifTrue, int ifFalse) {
		this.instructions.add(code & 0xffffL | (long) ifTrue << 16 | (long) ifFalse << 24 | (long) operand << 32);
	}

	private NativeBuffer toMemory() {
		NativeBuffer memory = NativeBuffer.zeroed(PROGRAM_SIZE + this.instructions.size() * INSTRUCTION_SIZE);
		ByteBuffer bytes = memory.bytes();
		bytes.putShort(0, (short) this.instructions.size());
		bytes.putLong(8, memory.address() + PROGRAM_SIZE);
		for (int i = 0; i < this.instructions.size(); i++) {
			bytes.putLong(PROGRAM_SIZE + i * INSTRUCTION_SIZE, this.instructions.get(i));
		}
		return memory;
	}

}
