package dev.tinyipc;

import java.io.IOException;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
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
			#include <linux/memfd.h>
			#include <poll.h>
			#include <signal.h>
			#include <spawn.h>
			#include <stddef.h>
			#include <stdio.h>
			#include <sys/epoll.h>
			#include <sys/eventfd.h>
			#include <sys/ioctl.h>
			#include <sys/mman.h>
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
		expected.put("sizeof(posix_spawn_file_actions_t)", (long) LibC.Spawn.FILE_ACTIONS_SIZE);
		expected.put("sizeof(posix_spawnattr_t)", (long) LibC.Spawn.ATTRIBUTES_SIZE);
		expected.put("sizeof(sigset_t)", (long) LibC.Spawn.SIGNAL_SET_SIZE);
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

	private static String headerName(String name) {
		return switch (name) {
			case "SYS_PIDFD_OPEN" -> "SYS_pidfd_open";
			case "SYS_PIDFD_SEND_SIGNAL" -> "SYS_pidfd_send_signal";
			default -> name;
		};
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
		Path file = Files.writeString(this.folder.resolve("layout.c"), source + "return 0; }\n");
		Path program = this.folder.resolve("layout");
		run("gcc", "-o", program.toString(), file.toString());
		Map<String, Long> values = new LinkedHashMap<>();
		for (String line : run(program.toString())) {
			values.put(line.substring(0, line.lastIndexOf('=')),
					Long.valueOf(line.substring(line.lastIndexOf('=') + 1)));
		}
		return values;
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
