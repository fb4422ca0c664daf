/* Parts of the kernel that a program seldom needs, and that attacks begin with. */
#define _GNU_SOURCE
#include "probe.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/bpf.h>
#include <linux/io_uring.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/userfaultfd.h>
#include <mqueue.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/personality.h>
#include <sys/quota.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>
#include <sys/timex.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

/* A number that no descriptor has. */
#define NO_DESCRIPTOR 1000000

static int ring(void) {
	struct io_uring_params parameters = {0};
	return tried(syscall(SYS_io_uring_setup, 1, &parameters));
}

static int ring_enter(void) {
	return reached(syscall(SYS_io_uring_enter, NO_DESCRIPTOR, 0, 0, 0, NULL, 0), EBADF);
}

static int ring_register(void) {
	return reached(syscall(SYS_io_uring_register, NO_DESCRIPTOR, IORING_REGISTER_BUFFERS, NULL, 0), EBADF);
}

static int key_add(void) {
	return tried(syscall(SYS_add_key, "user", "tiny-ipc-probe", "x", 1, KEY_SPEC_PROCESS_KEYRING));
}

static int key_request(void) {
	return reached(syscall(SYS_request_key, "user", "tiny-ipc-no-such-key", NULL, KEY_SPEC_PROCESS_KEYRING), ENOKEY);
}

static int key_control(void) {
	return tried(syscall(SYS_keyctl, KEYCTL_GET_KEYRING_ID, KEY_SPEC_PROCESS_KEYRING, 1));
}

static int bpf_map(void) {
	union bpf_attr attributes = {.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1};
	return tried(syscall(SYS_bpf, BPF_MAP_CREATE, &attributes, sizeof attributes));
}

static int perf(void) {
	struct perf_event_attr event = {.type = PERF_TYPE_SOFTWARE, .size = sizeof event, .config = PERF_COUNT_SW_TASK_CLOCK,
			.exclude_kernel = 1, .exclude_hv = 1};
	return tried(syscall(SYS_perf_event_open, &event, 0, -1, -1, 0));
}

static int user_faults(void) {
	return tried(syscall(SYS_userfaultfd, UFFD_USER_MODE_ONLY));
}

static int new_user_namespace(void) {
	return tried(unshare(CLONE_NEWUSER));
}

static int new_mount_namespace(void) {
	return tried(unshare(CLONE_NEWNS));
}

static int clone_namespace(void) {
	long child = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(0);
	return tried(child);
}

/* A child of this process's parent, which does not know of it. */
static int clone_sibling(void) {
	long child = syscall(SYS_clone, CLONE_PARENT | SIGCHLD, NULL, NULL, NULL, NULL);
	if (child == 0)
		_exit(0);
	return tried(child);
}

static int clone3_namespace(void) {
	struct {
		uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} arguments = {.flags = CLONE_NEWUSER, .exit_signal = SIGCHLD};
	long child = syscall(SYS_clone3, &arguments, sizeof arguments);
	if (child == 0)
		_exit(0);
	return tried(child);
}

static int join_namespace(void) {
	int parent = syscall(SYS_pidfd_open, target.parent, 0);
	return parent < 0 ? errno : tried(setns(parent, CLONE_NEWUTS));
}

static int change_personality(void) {
	return tried(personality(ADDR_NO_RANDOMIZE));
}

static int load_module(void) {
	return reached(syscall(SYS_init_module, NULL, 0, ""), ENOEXEC);
}

static int load_module_file(void) {
	return reached(syscall(SYS_finit_module, NO_DESCRIPTOR, "", 0), EBADF);
}

static int unload_module(void) {
	return reached(syscall(SYS_delete_module, "tiny_ipc_no_such_module", O_NONBLOCK), ENOENT);
}

/* With flags that there are not. */
static int kexec(void) {
	return reached(syscall(SYS_kexec_load, 0, 0, NULL, 0xffffL), EINVAL);
}

static int kexec_file(void) {
#ifdef SYS_kexec_file_load
	return reached(syscall(SYS_kexec_file_load, NO_DESCRIPTOR, NO_DESCRIPTOR, 0, NULL, 0x8000L), EINVAL);
#else
	return ENOSYS;
#endif
}

/* With other numbers than the two that make it happen. */
static int restart(void) {
	return reached(syscall(SYS_reboot, 1, 2, 3, NULL), EINVAL);
}

static int swap_on(void) {
	return reached(syscall(SYS_swapon, "/no/such/file", 0), ENOENT);
}

static int swap_off(void) {
	return reached(syscall(SYS_swapoff, "/no/such/file"), ENOENT);
}

static int account(void) {
	return reached(syscall(SYS_acct, "/no/such/file"), ENOENT);
}

static int quota(void) {
	return reached(syscall(SYS_quotactl, QCMD(Q_GETFMT, USRQUOTA), "/no/such/device", 0, NULL), ENOENT);
}

static int set_clock(void) {
	struct timespec never = {0, -1};
	return reached(syscall(SYS_clock_settime, CLOCK_REALTIME, &never), EINVAL);
}

static int set_time(void) {
	struct {
		long seconds, microseconds;
	} never = {0, -1};
	return reached(syscall(SYS_settimeofday, &never, NULL), EINVAL);
}

/* Sets the frequency that the clock has. */
static int adjust_clock(void) {
	struct timex clock = {.modes = 0};
	if (adjtimex(&clock) < 0)
		return errno;
	clock.modes = ADJ_FREQUENCY;
	return tried(adjtimex(&clock));
}

static int host_name(void) {
	struct utsname names;
	uname(&names);
	return tried(sethostname(names.nodename, strlen(names.nodename)));
}

static int domain_name(void) {
	struct utsname names;
	uname(&names);
	return tried(setdomainname(names.domainname, strlen(names.domainname)));
}

static int kernel_log(void) {
	return tried(syscall(SYS_syslog, 10 /* SYSLOG_ACTION_SIZE_BUFFER */, NULL, 0));
}

static int io_ports(void) {
#ifdef __x86_64__
	return tried(syscall(SYS_ioperm, 0x80, 1, 1));
#else
	return ENOSYS;
#endif
}

static int io_level(void) {
#ifdef __x86_64__
	return tried(syscall(SYS_iopl, 3));
#else
	return ENOSYS;
#endif
}

static int shared_memory(void) {
	int id = shmget(IPC_PRIVATE, 4096, 0600);
	return id < 0 ? errno : tried(shmctl(id, IPC_RMID, NULL));
}

static int attach_memory(void) {
	return shmat(-1, NULL, 0) == (void *) -1 && errno != EINVAL ? errno : 0;
}

static int message_queue(void) {
	int id = msgget(IPC_PRIVATE, 0600);
	return id < 0 ? errno : tried(msgctl(id, IPC_RMID, NULL));
}

static int semaphores(void) {
	int id = semget(IPC_PRIVATE, 1, 0600);
	return id < 0 ? errno : tried(semctl(id, 0, IPC_RMID));
}

static int posix_queue(void) {
	char name[64];
	snprintf(name, sizeof name, "/tiny-ipc-probe-%d", getpid());
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0600, NULL);
	return queue < 0 ? errno : tried(mq_unlink(name));
}

/* Numbers of another interface to the same calls, which a filter by number would miss. */
static int x32(void) {
	return tried(syscall(0x40000000 | SYS_getppid));
}

#ifdef __x86_64__
static int call32(long number, long first, long second, long third) {
	long result;
	__asm__ volatile("int $0x80"
			: "=a"(result)
			: "a"(number), "b"(first), "c"(second), "d"(third)
			: "memory", "r8", "r9", "r10", "r11");
	return result < 0 && result > -4096 ? -result : 0;
}

/* Memory that 32 bits can address. */
static void *low_memory(void) {
	return mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
}

static int getppid32(void) {
	return call32(64 /* getppid */, 0, 0, 0);
}

static int socket32(void) {
	int *arguments = low_memory();
	memcpy(arguments, (int[]) {2 /* AF_INET */, 1 /* SOCK_STREAM */, 0}, 3 * sizeof(int));
	return call32(102 /* socketcall */, 1 /* SYS_SOCKET */, (long) arguments, 0);
}

static int open32(void) {
	return call32(5 /* open */, (long) strcpy(low_memory(), outside("secret")), O_RDONLY, 0);
}
#else
static int getppid32(void) {
	return ENOSYS;
}

static int socket32(void) {
	return ENOSYS;
}

static int open32(void) {
	return ENOSYS;
}
#endif

static int memory_file(void) {
	return tried(memfd_create("probe", MFD_CLOEXEC));
}

const struct way KERNEL_WAYS[] = {
	{"io_uring_setup", ring},
	{"io_uring_enter", ring_enter},
	{"io_uring_register", ring_register},
	{"add_key", key_add},
	{"request_key", key_request},
	{"keyctl", key_control},
	{"bpf", bpf_map},
	{"perf_event_open", perf},
	{"userfaultfd", user_faults},
	{"unshare-user", new_user_namespace},
	{"unshare-mount", new_mount_namespace},
	{"clone-user", clone_namespace},
	{"clone-parent", clone_sibling},
	{"clone3-user", clone3_namespace},
	{"setns", join_namespace},
	{"personality", change_personality},
	{"init_module", load_module},
	{"finit_module", load_module_file},
	{"delete_module", unload_module},
	{"kexec_load", kexec},
	{"kexec_file_load", kexec_file},
	{"reboot", restart},
	{"swapon", swap_on},
	{"swapoff", swap_off},
	{"acct", account},
	{"quotactl", quota},
	{"clock_settime", set_clock},
	{"settimeofday", set_time},
	{"adjtimex", adjust_clock},
	{"sethostname", host_name},
	{"setdomainname", domain_name},
	{"syslog", kernel_log},
	{"ioperm", io_ports},
	{"iopl", io_level},
	{"shmget", shared_memory},
	{"shmat", attach_memory},
	{"msgget", message_queue},
	{"semget", semaphores},
	{"mq_open", posix_queue},
	{"x32", x32},
	{"int80", getppid32},
	{"int80-socket", socket32},
	{"int80-open", open32},
	{"memfd_create", memory_file},
	{0},
};
