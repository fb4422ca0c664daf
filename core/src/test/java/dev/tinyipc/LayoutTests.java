package dev.tinyipc;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Stream;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

/** Compares our constants with those of the C compiler and headers of this machine. */
@Timeout(60)
class LayoutTests {

	private static final String HEADERS = """
			#define _GNU_SOURCE
			#include <errno.h>
			#include <fcntl.h>
			#include <linux/capability.h>
			#include <linux/filter.h>
			#include <linux/fs.h>
			#include <linux/fsverity.h>
			#include <linux/landlock.h>
			#include <linux/memfd.h>
			#include <linux/seccomp.h>
			#include <poll.h>
			#include <sched.h>
			#include <signal.h>
			#include <spawn.h>
			#include <stddef.h>
			#include <stdio.h>
			#include <sys/epoll.h>
			#include <sys/eventfd.h>
			#include <sys/ioctl.h>
			#include <sys/mman.h>
			#include <sys/prctl.h>
			#include <sys/resource.h>
			#include <sys/socket.h>
			#include <sys/stat.h>
			#include <sys/syscall.h>
			#include <sys/uio.h>
			#include <sys/wait.h>
			#include <unistd.h>
			#ifndef SCM_PIDFD
			#define SCM_PIDFD 4
			#endif
			#define P(name, value) printf("%s=%lld\\n", name, (long long) (value));
			int main(void) {
			""";

	@TempDir
	Path folder;

	@Test
	void structuresAreLaidOutAsTheFactsSay() throws Exception {
		Map<String, Long> expected = new LinkedHashMap<>();
		expected.put("sizeof(struct msghdr)", 56L);
		expected.put("offsetof(struct msghdr, msg_name)", 0L);
		expected.put("offsetof(struct msghdr, msg_namelen)", 8L);
		expected.put("offsetof(struct msghdr, msg_iov)", number(MsgHdr.class, "IOV"));
		expected.put("offsetof(struct msghdr, msg_iovlen)", number(MsgHdr.class, "IOVLEN"));
		expected.put("offsetof(struct msghdr, msg_control)", number(MsgHdr.class, "CONTROL"));
		expected.put("offsetof(struct msghdr, msg_controllen)", number(MsgHdr.class, "CONTROLLEN"));
		expected.put("offsetof(struct msghdr, msg_flags)", number(MsgHdr.class, "FLAGS"));
		expected.put("sizeof(struct mmsghdr)", number(MsgHdr.class, "MMSGHDR_SIZE"));
		expected.put("offsetof(struct mmsghdr, msg_len)", number(MsgHdr.class, "MSG_LEN"));
		expected.put("sizeof(struct iovec)", number(MsgHdr.class, "VECTOR_SIZE"));
		expected.put("offsetof(struct iovec, iov_base)", 0L);
		expected.put("offsetof(struct iovec, iov_len)", 8L);
		expected.put("sizeof(struct cmsghdr)", number(MsgHdr.class, "CMSG_DATA"));
		expected.put("offsetof(struct cmsghdr, cmsg_len)", 0L);
		expected.put("offsetof(struct cmsghdr, cmsg_level)", number(MsgHdr.class, "CMSG_LEVEL"));
		expected.put("offsetof(struct cmsghdr, cmsg_type)", number(MsgHdr.class, "CMSG_TYPE"));
		expected.put("CMSG_SPACE(4)", 24L);
		expected.put("CMSG_SPACE(253 * 4) + 512", number(MsgHdr.class, "CONTROL_SIZE"));
		expected.put("sizeof(struct pollfd)", number(Poll.class, "SIZE"));
		expected.put("offsetof(struct pollfd, events)", number(Poll.class, "EVENTS"));
		expected.put("sizeof(struct epoll_event)", number(Epoll.class, "EVENT_SIZE"));
		expected.put("offsetof(struct epoll_event, data)", number(Epoll.class, "DATA"));
		expected.put("sizeof(struct statx)", number(DescriptorStatus.class, "LENGTH"));
		expected.put("offsetof(struct statx, stx_nlink)", number(DescriptorStatus.class, "LINKS_OFFSET"));
		expected.put("offsetof(struct statx, stx_mode)", number(DescriptorStatus.class, "MODE_OFFSET"));
		expected.put("offsetof(struct statx, stx_size)", number(DescriptorStatus.class, "SIZE_OFFSET"));
		expected.put("sizeof(struct timeval)", number(SocketOption.class, "TIMEVAL_SIZE"));
		expected.put("sizeof(struct rlimit)", number(ResourceLimits.Resource.class, "SIZE"));
		expected.put("offsetof(struct rlimit, rlim_cur)", number(ResourceLimits.Resource.class, "SOFT"));
		expected.put("offsetof(struct rlimit, rlim_max)", number(ResourceLimits.Resource.class, "HARD"));
		expected.put("sizeof(posix_spawn_file_actions_t)", (long) LibC.Spawn.FILE_ACTIONS_SIZE);
		expected.put("sizeof(posix_spawnattr_t)", (long) LibC.Spawn.ATTRIBUTES_SIZE);
		expected.put("sizeof(sigset_t)", (long) LibC.Spawn.SIGNAL_SET_SIZE);
		expected.put("sizeof(struct seccomp_notif)", number(SeccompListener.class, "REQUEST_SIZE"));
		expected.put("offsetof(struct seccomp_notif, id)", number(SeccompListener.class, "ID"));
		expected.put("offsetof(struct seccomp_notif, pid)", number(SeccompListener.class, "PROCESS"));
		expected.put("offsetof(struct seccomp_notif, data.nr)", number(SeccompListener.class, "NUMBER"));
		expected.put("offsetof(struct seccomp_notif, data.args)", number(SeccompListener.class, "ARGUMENTS"));
		expected.put("sizeof(struct seccomp_notif_resp)", number(SeccompListener.class, "ANSWER_SIZE"));
		expected.put("offsetof(struct seccomp_notif_resp, error)", number(SeccompListener.class, "ERROR_OF_ANSWER"));
		expected.put("offsetof(struct seccomp_notif_resp, flags)", number(SeccompListener.class, "FLAGS_OF_ANSWER"));
		expected.put("SECCOMP_IOCTL_NOTIF_RECV", number(SeccompListener.class, "RECEIVE"));
		expected.put("SECCOMP_IOCTL_NOTIF_SEND", number(SeccompListener.class, "SEND"));
		expected.put("SECCOMP_IOCTL_NOTIF_ID_VALID", number(SeccompListener.class, "ID_VALID"));
		expected.put("SECCOMP_IOCTL_NOTIF_ADDFD", number(SeccompListener.class, "ADD_FD"));
		expected.put("SECCOMP_USER_NOTIF_FLAG_CONTINUE", number(SeccompListener.class, "CONTINUE"));
		expected.put("SECCOMP_RET_USER_NOTIF", number(Seccomp.class, "ASK"));
		expected.put("SECCOMP_FILTER_FLAG_NEW_LISTENER", number(Seccomp.class, "NEW_LISTENER"));
		expected.put("SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV", number(Seccomp.class, "WAIT_KILLABLE"));
		expected.put("sizeof(size_t)", 8L);
		expected.put("sizeof(off_t)", 8L);
		expected.put("sizeof(nfds_t)", 8L);
		expected.put("sizeof(socklen_t)", 4L);
		expected.put("sizeof(pid_t)", 4L);
		expected.put("sizeof(mode_t)", 4L);
		expected.put("EPOLLIN", (long) Epoll.IN);
		expected.put("EPOLLOUT", (long) Epoll.OUT);
		expected.put("EPOLLONESHOT", (long) Epoll.ONE_SHOT);
		expected.put("EPOLL_CTL_ADD", number(Epoll.class, "CTL_ADD"));
		expected.put("EPOLL_CTL_DEL", number(Epoll.class, "CTL_DEL"));
		expected.put("F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE",
				number(SharedMemory.class, "ALL_SEALS"));
		expected.put("F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW", number(SharedMemory.class, "SIZE_SEALS"));
		expected.put("F_SEAL_FUTURE_WRITE", number(BlockFile.class, "F_SEAL_FUTURE_WRITE"));
		expected.put("F_SEAL_SHRINK | F_SEAL_WRITE", number(SharedMemory.class, "SEALS_TO_MAP"));
		expected.put("O_NOFOLLOW", (long) Machine.O_NOFOLLOW);
		assertThat(compiled(List.copyOf(expected.keySet()))).isEqualTo(expected);
	}

	@Test
	void constantsAreThoseOfTheHeaders() throws Exception {
		Map<String, Long> ours = new LinkedHashMap<>();
		for (Class<?> type : List.of(LibC.class, LibC.Spawn.class)) {
			for (Field field : type.getDeclaredFields()) {
				if (Modifier.isStatic(field.getModifiers()) && field.getType().isPrimitive()
						&& !field.getName().endsWith("_SIZE") || field.getName().equals("STATX_SIZE")) {
					ours.put(headerName(field.getName()), number(type, field.getName()));
				}
			}
		}
		assertThat(ours).hasSizeGreaterThan(40);
		assertThat(compiled(List.copyOf(ours.keySet()))).isEqualTo(ours);
	}

	@Test
	void auditedCallsHaveTheNumbersOfTheHeaders() throws Exception {
		Map<String, Long> ours = new LinkedHashMap<>();
		for (AuditedCall call : AuditedCall.known()) {
			if (call.number() >= 0) {
				ours.put("__NR_" + call.name(), (long) call.number());
			}
		}
		// Newer than some headers.
		ours.remove("__NR_fchmodat2");
		assertThat(compiled(List.copyOf(ours.keySet()))).isEqualTo(ours);
	}

	private static String headerName(String name) {
		return name.startsWith("SYS_") ? name.toLowerCase(Locale.ROOT).replace("sys_", "SYS_") : name;
	}

	@Test
	void sandboxIsLaidOutAsTheHeadersSay() throws Exception {
		Map<String, Long> expected = new LinkedHashMap<>();
		expected.put("sizeof(struct landlock_path_beneath_attr)", number(Landlock.class, "RULE_SIZE"));
		expected.put("offsetof(struct landlock_path_beneath_attr, parent_fd)", 8L);
		expected.put("LANDLOCK_CREATE_RULESET_VERSION", number(Landlock.class, "VERSION"));
		expected.put("LANDLOCK_RULE_PATH_BENEATH", number(Landlock.class, "PATH_BENEATH"));
		for (String right : List.of("EXECUTE", "WRITE_FILE", "READ_FILE", "READ_DIR", "REMOVE_DIR", "REMOVE_FILE",
				"MAKE_CHAR", "MAKE_DIR", "MAKE_REG", "MAKE_SOCK", "MAKE_FIFO", "MAKE_BLOCK", "MAKE_SYM", "REFER")) {
			expected.put("LANDLOCK_ACCESS_FS_" + right, number(Landlock.class, right));
		}
		expected.put("sizeof(struct sock_filter)", number(Seccomp.class, "INSTRUCTION_SIZE"));
		expected.put("sizeof(struct sock_fprog)", number(Seccomp.class, "PROGRAM_SIZE"));
		expected.put("offsetof(struct sock_fprog, filter)", 8L);
		expected.put("offsetof(struct seccomp_data, nr)", number(Seccomp.class, "NUMBER"));
		expected.put("offsetof(struct seccomp_data, arch)", number(Seccomp.class, "ARCHITECTURE"));
		expected.put("offsetof(struct seccomp_data, args)", number(Seccomp.class, "ARGUMENTS"));
		expected.put("SECCOMP_SET_MODE_FILTER", number(Seccomp.class, "SET_MODE_FILTER"));
		expected.put("SECCOMP_GET_ACTION_AVAIL", number(Seccomp.class, "GET_ACTION_AVAIL"));
		expected.put("SECCOMP_RET_ALLOW", number(Seccomp.class, "ALLOW"));
		expected.put("SECCOMP_RET_ERRNO", number(Seccomp.class, "ERRNO"));
		expected.put("BPF_LD | BPF_W | BPF_ABS", number(Seccomp.class, "LOAD"));
		expected.put("BPF_JMP | BPF_JA", number(Seccomp.class, "JUMP"));
		expected.put("BPF_JMP | BPF_JEQ | BPF_K", number(Seccomp.class, "JUMP_IF_EQUAL"));
		expected.put("BPF_JMP | BPF_JGE | BPF_K", number(Seccomp.class, "JUMP_IF_AT_LEAST"));
		expected.put("BPF_JMP | BPF_JSET | BPF_K", number(Seccomp.class, "JUMP_IF_BITS"));
		expected.put("BPF_RET | BPF_K", number(Seccomp.class, "RETURN"));
		expected.put("BPF_ALU | BPF_AND | BPF_K", number(Seccomp.class, "AND"));
		expected.put("PR_SET_NO_NEW_PRIVS", number(Restrictions.class, "NO_NEW_PRIVILEGES"));
		expected.put("_LINUX_CAPABILITY_VERSION_3", number(Restrictions.class, "CAPABILITY_VERSION"));
		expected.put("sizeof(struct __user_cap_header_struct)", number(Restrictions.class, "CAPABILITY_HEADER_SIZE"));
		expected.put("_LINUX_CAPABILITY_U32S_3 * sizeof(struct __user_cap_data_struct)",
				number(Restrictions.class, "CAPABILITY_DATA_SIZE"));
		expected.put("SYS_capget", Machine.SYS_CAPGET);
		expected.put(
				"1 << CAP_CHOWN | 1 << CAP_DAC_OVERRIDE | 1 << CAP_DAC_READ_SEARCH | 1 << CAP_FOWNER | 1 << CAP_FSETID"
						+ " | 1 << CAP_SETGID | 1 << CAP_SETUID | 1 << CAP_SETFCAP",
				number(Restrictions.class, "OF_FILES_AND_USERS"));
		expected.put("SYS_capset", Machine.SYS_CAPSET);
		expected.put("SYS_prctl", Machine.SYS_PRCTL);
		expected.put("SYS_seccomp", Machine.SYS_SECCOMP);
		expected.put("TIOCSTI", number(DeniedCalls.class, "TIOCSTI"));
		expected.put("TIOCLINUX", number(DeniedCalls.class, "TIOCLINUX"));
		expected.put("(int) FS_IOC_SETFLAGS", number(DeniedCalls.class, "FS_IOC_SETFLAGS"));
		expected.put("(int) FS_IOC_FSSETXATTR", number(DeniedCalls.class, "FS_IOC_FSSETXATTR"));
		expected.put("(int) FS_IOC_ENABLE_VERITY", number(DeniedCalls.class, "FS_IOC_ENABLE_VERITY"));
		expected.put("F_NOTIFY", number(DeniedCalls.class, "F_NOTIFY"));
		expected.put("F_SETLEASE", number(DeniedCalls.class, "F_SETLEASE"));
		expected.put("CLONE_PARENT", number(DeniedCalls.class, "CLONE_PARENT"));
		expected.put("CLONE_NEWTIME | CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWUSER"
				+ " | CLONE_NEWPID | CLONE_NEWNET", number(DeniedCalls.class, "CLONE_NEW"));
		assertThat(compiled(List.copyOf(expected.keySet()))).isEqualTo(expected);
	}

	@Test
	void deniedCallsHaveTheNumbersOfTheHeaders() throws Exception {
		Map<String, Integer> onX86 = new LinkedHashMap<>();
		Map<String, Integer> onArm = new LinkedHashMap<>();
		for (DeniedCalls.Row row : DeniedCalls.lockedDown(1)) {
			onX86.put(row.name(), row.numberOnX86());
			onArm.put(row.name(), row.numberOnArm());
		}
		if (!Machine.isArm()) {
			assertNumbers(onX86, "#include <asm/unistd.h>");
		}
		// 64-bit processors that came late, aarch64 among them, share one table.
		assertNumbers(onArm, "#define __ARCH_WANT_SYS_CLONE3\n#include <asm-generic/unistd.h>");
	}

	/** Headers that are older than a call do not know it. */
	private void assertNumbers(Map<String, Integer> ours, String header) throws Exception {
		assumeTrue(hasCompiler(), "There is no gcc");
		StringBuilder source = new StringBuilder("#include <stdio.h>\n" + header + "\nint main(void) {\n");
		for (String name : ours.keySet()) {
			source.append("#ifdef __NR_%1$s\nprintf(\"%1$s=%%d\\n\", __NR_%1$s);\n#endif\n".formatted(name));
		}
		Map<String, Integer> theirs = new LinkedHashMap<>();
		for (String line : output(source.toString())) {
			theirs.put(line.split("=")[0], Integer.valueOf(line.split("=")[1]));
		}
		assertThat(theirs).hasSizeGreaterThan(80);
		assertThat(ours).containsAllEntriesOf(theirs);
	}

	@Test
	void errorNumbersAreThoseOfTheHeaders() throws Exception {
		Map<String, Long> ours = new LinkedHashMap<>();
		for (Errno errno : Errno.values()) {
			ours.put(errno.name(), (long) errno.number);
		}
		assertThat(compiled(List.copyOf(ours.keySet()))).isEqualTo(ours);
	}

	private Map<String, Long> compiled(List<String> expressions) throws Exception {
		assumeTrue(hasCompiler(), "There is no gcc");
		StringBuilder source = new StringBuilder(HEADERS);
		for (String expression : expressions) {
			source.append("P(\"").append(expression).append("\", ").append(expression).append(")\n");
		}
		Map<String, Long> values = new LinkedHashMap<>();
		for (String line : output(source.toString())) {
			values.put(line.substring(0, line.lastIndexOf('=')),
					Long.valueOf(line.substring(line.lastIndexOf('=') + 1)));
		}
		return values;
	}

	private List<String> output(String source) throws Exception {
		Path file = Files.writeString(this.folder.resolve("layout.c"), source + "return 0; }\n");
		Path program = this.folder.resolve("layout");
		run("gcc", "-o", program.toString(), file.toString());
		return run(program.toString());
	}

	private static boolean hasCompiler() {
		return Stream.of(System.getenv("PATH").split(":"))
			.anyMatch((entry) -> Files.isExecutable(Path.of(entry, "gcc")));
	}

	private static List<String> run(String... command) throws Exception {
		Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
		List<String> output = new ArrayList<>();
		process.inputReader().lines().forEach(output::add);
		assertThat(process.waitFor()).as(String.join("\n", output)).isZero();
		return output;
	}

	private static long number(Class<?> type, String field) throws IOException {
		try {
			Field constant = type.getDeclaredField(field);
			constant.setAccessible(true);
			return ((Number) constant.get(null)).longValue();
		}
		catch (ReflectiveOperationException ex) {
			throw new IOException("No constant " + field + " in " + type, ex);
		}
	}

}
