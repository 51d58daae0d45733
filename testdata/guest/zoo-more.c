// SPDX-License-Identifier: LGPL-2.1-or-later
// zoo-more: animals of rarer kinds, for guests that are made with "--more": files without a directory, pages of every sort,
// sockets of every family and state, credentials, leases. As zoo.c: each tells what it did, and rests until the crash.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/if_xdp.h>
#include <linux/io_uring.h>
#include <linux/netlink.h>
#include <linux/perf_event.h>
#include <linux/rtnetlink.h>
#include <linux/seccomp.h>
#include <linux/userfaultfd.h>
#include <linux/vm_sockets.h>
#include <net/if.h>
#include <netinet/icmp6.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/fanotify.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "zoo.h"

#ifndef SYS_mkdir	/* arm64 */
#define SYS_mkdir SYS_mkdirat
#endif

#define RW (PROT_READ | PROT_WRITE)
#define PAGE 4096ul

static int sys_bpf(int cmd, union bpf_attr *attr) { return syscall(SYS_bpf, cmd, attr, sizeof(*attr)); }

// ---- files without a directory

static void bpf_files(void)
{
	struct bpf_insn insns[] = { { .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = 0 }, { .code = BPF_JMP | BPF_EXIT } };
	union bpf_attr m = { .map_type = BPF_MAP_TYPE_HASH, .key_size = 8, .value_size = 24, .max_entries = 100,
			     .map_flags = BPF_F_NO_PREALLOC, .map_name = "more_hash" };
	union bpf_attr a = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 64, .max_entries = 17, .map_name = "more_array" };
	union bpf_attr p = { .prog_type = BPF_PROG_TYPE_SOCKET_FILTER, .insn_cnt = 2, .insns = (uintptr_t)insns,
			     .license = (uintptr_t)"GPL", .prog_name = "more_filter" };
	int array, prog, s;

	must(sys_bpf(BPF_MAP_CREATE, &m), "bpf hash");
	array = must(sys_bpf(BPF_MAP_CREATE, &a), "bpf array");
	sys_bpf(BPF_MAP_FREEZE, &(union bpf_attr){ .map_fd = array });
	prog = must(sys_bpf(BPF_PROG_LOAD, &p), "bpf prog");
	s = socket(AF_INET, SOCK_DGRAM, 0);
	must(setsockopt(s, SOL_SOCKET, 50 /* SO_ATTACH_BPF */, &prog, sizeof(prog)), "attach bpf");
}

static void io_uring_file(void)
{
	struct io_uring_params p = { .flags = IORING_SETUP_CQSIZE, .cq_entries = 64 };
	int fds[3] = { 0, 1, 2 }, fd = must(syscall(SYS_io_uring_setup, 8, &p), "io_uring"), pipes[2];
	struct io_uring_sqe *sqes;
	unsigned *sq, *array, tail;
	char *rings;

	if (fd < 0 || pipe(pipes))
		return;
	must(syscall(SYS_io_uring_register, fd, IORING_REGISTER_FILES, fds, 3), "register files");
	rings = mmap(NULL, p.sq_off.array + p.sq_entries * 4, RW, MAP_SHARED, fd, IORING_OFF_SQ_RING);
	sqes = mmap(NULL, p.sq_entries * sizeof(*sqes), RW, MAP_SHARED, fd, IORING_OFF_SQES);
	if (rings == MAP_FAILED || sqes == MAP_FAILED)
		return;
	sq = (unsigned *)(rings + p.sq_off.tail);
	array = (unsigned *)(rings + p.sq_off.array);
	tail = *sq;
	for (unsigned i = 0; i < 3; i++) {	// two that wait for a pipe, one no-op that completes
		sqes[i] = (struct io_uring_sqe){ .opcode = i < 2 ? IORING_OP_POLL_ADD : IORING_OP_NOP, .fd = pipes[0], .user_data = i,
						 .poll_events = EPOLLIN };
		array[i] = i;
	}
	__atomic_store_n(sq, tail + 3, __ATOMIC_RELEASE);
	must(syscall(SYS_io_uring_enter, fd, 3, 0, 0, NULL, 0), "io_uring_enter");
}

static void userfault_file(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	int fd = must(syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK), "userfaultfd");
	char *at = mmap(NULL, 16 * PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct uffdio_register r = { .range = { (uintptr_t)at, 16 * PAGE }, .mode = UFFDIO_REGISTER_MODE_MISSING };

	if (fd < 0)
		return;
	must(ioctl(fd, UFFDIO_API, &api), "uffd api");
	must(ioctl(fd, UFFDIO_REGISTER, &r), "uffd register");
	tell("userfaultfd=%d range=%p", fd, (void *)at);
}

static void fanotify_files(void)
{
	int fd = must(fanotify_init(FAN_CLASS_NOTIF | FAN_NONBLOCK, O_RDONLY), "fanotify");

	must(fanotify_mark(fd, FAN_MARK_ADD, FAN_OPEN | FAN_CLOSE_WRITE, AT_FDCWD, "/tmp/watched"), "mark inode");
	must(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_MOUNT, FAN_MODIFY, AT_FDCWD, "/mnt/data"), "mark mount");
	must(fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_ACCESS, AT_FDCWD, "/dev/shm"), "mark file system");
	close(open("/tmp/watched", O_RDONLY));	// an event waits
}

static void seccomp_file(void)
{
	struct sock_filter f[] = { { 0x20, 0, 0, 0 }, { 0x15, 0, 1, SYS_mkdir }, { 6, 0, 0, 0x7fc00000 }, { 6, 0, 0, 0x7fff0000 } };
	struct sock_fprog prog = { 4, f };

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &prog), "seccomp listener");
}

static void anon(void)
{
	struct itimerspec t = { { 7, 500000000 }, { 4000, 0 } }, soon = { { 0, 0 }, { 0, 1 } };
	struct epoll_event ev = { .events = EPOLLIN | EPOLLET, .data.u64 = 0xfeedface12345678 };
	struct perf_event_attr perf = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(perf), .config = PERF_COUNT_SW_TASK_CLOCK };
	int e, sem, inner, outer, p[2], fd, pid;
	struct timespec now;
	sigset_t set;

	e = must(eventfd(0xabcdef, EFD_CLOEXEC), "eventfd");
	sem = must(eventfd(3, EFD_SEMAPHORE | EFD_NONBLOCK), "eventfd semaphore");
	must(pipe2(p, O_DIRECT | O_NONBLOCK), "pipe");
	fcntl(p[0], F_SETPIPE_SZ, 1 << 20);
	for (int i = 0; i < 20; i++)
		must(write(p[1], "packets of a pipe", 17), "write");
	inner = must(epoll_create1(EPOLL_CLOEXEC), "epoll");
	epoll_ctl(inner, EPOLL_CTL_ADD, e, &ev);
	ev.events = EPOLLOUT | EPOLLONESHOT;
	ev.data.u64 = 7;
	epoll_ctl(inner, EPOLL_CTL_ADD, p[1], &ev);
	outer = must(epoll_create1(0), "outer epoll");
	epoll_ctl(outer, EPOLL_CTL_ADD, inner, &ev);
	fd = must(timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK), "timerfd");
	must(timerfd_settime(fd, 0, &t, NULL), "settime");
	fd = must(timerfd_create(CLOCK_REALTIME, 0), "timerfd real");
	clock_gettime(CLOCK_REALTIME, &now);
	t.it_value.tv_sec += now.tv_sec;
	must(timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, &t, NULL), "settime real");
	t.it_value.tv_sec = 9000;
	fd = must(timerfd_create(CLOCK_BOOTTIME, 0), "timerfd boot");
	must(timerfd_settime(fd, 0, &t, NULL), "settime boot");
	fd = must(timerfd_create(CLOCK_BOOTTIME_ALARM, 0), "timerfd alarm");
	must(timerfd_settime(fd, 0, &t, NULL), "settime alarm");
	fd = must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd expired");
	must(timerfd_settime(fd, 0, &soon, NULL), "settime expired");
	must(timerfd_create(CLOCK_MONOTONIC, 0), "timerfd unset");
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGRTMIN + 5);
	sigaddset(&set, SIGRTMAX);
	must(signalfd(-1, &set, SFD_NONBLOCK), "signalfd");
	close(open("/tmp/watched", O_CREAT | O_RDWR, 0600));
	mkdir("/tmp/watched.dir", 0700);
	fd = must(inotify_init1(IN_NONBLOCK), "inotify");
	must(inotify_add_watch(fd, "/tmp/watched.dir", IN_CREATE | IN_DELETE | IN_ONLYDIR), "watch");
	must(inotify_add_watch(fd, "/mnt/data", IN_OPEN | IN_EXCL_UNLINK), "watch");
	close(open("/tmp/watched.dir/a", O_CREAT | O_RDWR, 0600));
	unlink("/tmp/watched.dir/a");
	fanotify_files();
	bpf_files();
	io_uring_file();
	userfault_file();
	must(syscall(SYS_perf_event_open, &perf, 0, -1, -1, 0), "perf");
	fd = must(memfd_create("more sealed", MFD_ALLOW_SEALING), "memfd");
	must(ftruncate(fd, 3 * PAGE), "ftruncate");
	must(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), "seals");
	fd = must(memfd_create("more huge", MFD_HUGETLB), "memfd hugetlb");
	must(ftruncate(fd, 2 << 20), "ftruncate");
	must(syscall(SYS_pidfd_open, getppid(), 0), "pidfd");
	pid = child();
	if (!pid)
		_exit(3);
	must(syscall(SYS_pidfd_open, pid, 0), "pidfd of a dead");
	waitpid(pid, NULL, 0);
	must(open("/dev/ptmx", O_RDWR | O_NOCTTY), "ptmx");
	must(syscall(430 /* fsopen */, "tmpfs", 0), "fsopen");
	must(syscall(428 /* open_tree */, AT_FDCWD, "/mnt/data", 1 /* CLONE */), "open_tree");
	must(syscall(444 /* landlock_create_ruleset */, &(uint64_t){ 0x1fff }, 8, 0), "landlock");
	seccomp_file();
	tell("eventfd=%d semaphore=%d inner=%d outer=%d dead=%d", e, sem, inner, outer, pid);
}

// ---- pages

static void fill(char *at, size_t size, size_t step)
{
	for (size_t i = 0; i < size; i += step)
		at[i] = 1 + i / step;
}

static char *map(size_t size, int flags, int fd)
{
	char *at = mmap(NULL, size, RW, flags, fd, 0);

	must(at == MAP_FAILED ? -1 : 0, "mmap");
	return at;
}

static void pages(void)
{
	int anon = MAP_PRIVATE | MAP_ANONYMOUS, fd = must(open("/mnt/data/pages.dat", O_RDWR | O_CREAT, 0644), "file"), thp, shm;
	char *a, *s, *h, *hs, *t, *f, *fp, *m, *lazy, *st;

	must(ftruncate(fd, 64 * PAGE), "ftruncate");
	f = map(64 * PAGE, MAP_SHARED, fd);
	fp = map(64 * PAGE, MAP_PRIVATE, fd);
	fill(f, 64 * PAGE, PAGE);
	fill(fp + 8 * PAGE, 8 * PAGE, PAGE);			// copies of its own
	for (volatile char *at = fp; at < fp + 6 * PAGE; at += PAGE)
		(void)*at;					// the file's own
	a = map(2 << 20, anon, -1);
	madvise(a, 2 << 20, 15 /* NOHUGEPAGE */);
	fill(a, 2 << 20, PAGE);
	must(madvise(a + (1 << 20), 1 << 19, MADV_PAGEOUT), "pageout");
	t = mmap((void *)0x610000000000, 8 << 20, RW, anon | MAP_FIXED, -1, 0);
	must(madvise(t, 8 << 20, MADV_HUGEPAGE), "hugepage");
	fill(t, 6 << 20, PAGE);
	munmap(t + (2 << 20) + 8 * PAGE, 4 * PAGE);		// a huge page that is mapped in parts
	m = map(1 << 20, anon, -1);				// where there are folios of 64K
	fill(m, 1 << 19, PAGE);
	s = map(1 << 20, MAP_SHARED | MAP_ANONYMOUS, -1);
	fill(s, 1 << 20, PAGE);
	must(madvise(s, 1 << 18, MADV_PAGEOUT), "pageout of shmem");
	shm = must(shmget(0x2a0010, 64 * PAGE, IPC_CREAT | 0600), "shmget");
	st = shmat(shm, NULL, 0);
	fill(st, 32 * PAGE, PAGE);
	shmctl(shm, IPC_RMID, NULL);				// gone when it is detached
	h = map(4 << 20, anon | MAP_HUGETLB, -1);
	if (h != MAP_FAILED)
		fill(h, 2 << 20, 2 << 20);
	hs = map(4 << 20, MAP_SHARED | MAP_ANONYMOUS | MAP_HUGETLB, -1);
	if (hs != MAP_FAILED)
		fill(hs, 4 << 20, 2 << 20);
	thp = must(open("/mnt/huge/thp.dat", O_RDWR | O_CREAT, 0600), "huge tmpfs");
	if (thp >= 0 && !ftruncate(thp, 4 << 20)) {
		char *at = mmap((void *)0x620000000000, 4 << 20, RW, MAP_SHARED | MAP_FIXED, thp, 0);

		fill(at, 3 << 20, PAGE);
	}
	lazy = map(32 * PAGE, anon, -1);
	fill(lazy, 32 * PAGE, PAGE);
	must(madvise(lazy, 16 * PAGE, MADV_FREE), "free");
	must(mlock(a, 4 * PAGE), "mlock");
	must(madvise(a + 64 * PAGE, 16 * PAGE, MADV_MERGEABLE), "mergeable");
	mprotect(a + 16 * PAGE, PAGE, PROT_NONE);
	tell("file=%p private=%p anon=%p thp=%p shm=%p huge=%p huge_shared=%p", (void *)f, (void *)fp, (void *)a, (void *)t, (void *)s,
	     (void *)h, (void *)hs);
	for (int i = 0; i < 2; i++) {
		if (child())
			continue;
		name(i ? "more-pages-2" : "more-pages-1");
		fill(a + 100 * PAGE, 100 * PAGE, PAGE);	// no longer the parent's
		for (volatile char *at = s; at < s + (1 << 19); at += PAGE)
			(void)*at;
		tell("child");
		return;
	}
}

// ---- sockets

// One message to rtnetlink: a neighbour of interface dev.
static void neighbour(const char *dev, int family, const char *ip, const char *hw, int state, int flags)
{
	struct { struct nlmsghdr h; struct ndmsg n; char attr[64]; } m = {
		.h = { .nlmsg_type = RTM_NEWNEIGH, .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE | NLM_F_ACK },
		.n = { .ndm_family = family, .ndm_ifindex = if_nametoindex(dev), .ndm_state = state, .ndm_flags = flags } };
	struct { struct nlmsghdr h; struct nlmsgerr e; char rest[256]; } answer = {0};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE), len = family == AF_INET ? 4 : 16;
	struct rtattr *a = (struct rtattr *)m.attr;
	unsigned b[6];

	a->rta_type = NDA_DST;
	a->rta_len = RTA_LENGTH(len);
	inet_pton(family, ip, RTA_DATA(a));
	m.h.nlmsg_len = NLMSG_LENGTH(sizeof(m.n)) + RTA_ALIGN(a->rta_len);
	if (hw && sscanf(hw, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5) == 6) {
		a = (struct rtattr *)((char *)&m + m.h.nlmsg_len);
		a->rta_type = NDA_LLADDR;
		a->rta_len = RTA_LENGTH(6);
		for (int i = 0; i < 6; i++)
			((unsigned char *)RTA_DATA(a))[i] = b[i];
		m.h.nlmsg_len += RTA_ALIGN(a->rta_len);
	}
	send(fd, &m, m.h.nlmsg_len, 0);
	recv(fd, &answer, sizeof(answer), 0);
	errno = -answer.e.error;
	must(answer.e.error ? -1 : 0, ip);
	close(fd);
}

static void neighbours(void)
{
	neighbour("dummy0", AF_INET, "192.0.2.77", "02:00:00:00:00:77", NUD_PERMANENT, 0);
	neighbour("dummy0", AF_INET, "192.0.2.78", "02:00:00:00:00:78", NUD_NOARP, 0);
	neighbour("dummy0", AF_INET, "192.0.2.99", "02:00:00:00:00:99", NUD_PERMANENT, 0);
	neighbour("dummy0", AF_INET6, "2001:db8::77", "02:00:00:00:00:77", NUD_PERMANENT, 0);
	neighbour("dummy0", AF_INET6, "2001:db8::99", "02:00:00:00:00:99", NUD_PERMANENT, 0);
	neighbour("dummy0", AF_INET6, "2001:db8::78", "02:00:00:00:00:78", NUD_STALE, NTF_ROUTER);
	neighbour("dummy0", AF_INET, "192.0.2.200", NULL, NUD_PERMANENT, NTF_PROXY);
	tell("neighbours");
}

static int socket_at(int type, uint32_t ip, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(ip), .sin_port = htons(port) };
	int fd = must(socket(AF_INET, type, 0), "socket"), one = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	must(bind(fd, (void *)&a, sizeof(a)), "bind");
	if (type == SOCK_STREAM)
		listen(fd, 5);
	return fd;
}

// A connection to one's own listener; *ret is the other end.
static int pair(int listener, int port, int *ret)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(connect(fd, (void *)&a, sizeof(a)), "connect");
	*ret = accept(listener, NULL, NULL);
	return fd;
}

static void tcp_states(void)
{
	struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons(9) };
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_port = htons(9) };
	int l = socket_at(SOCK_STREAM, INADDR_LOOPBACK, 7001), a, b, fd;
	static char data[1 << 16];

	a = pair(l, 7001, &b);		// CLOSE-WAIT and FIN-WAIT-2
	shutdown(a, SHUT_WR);
	a = pair(l, 7001, &b);		// TIME-WAIT
	close(a);
	usleep(100000);
	close(b);
	a = pair(l, 7001, &b);		// a full queue: bytes to be sent at a, to be read at b
	fcntl(a, F_SETFL, O_NONBLOCK);
	while (write(a, data, sizeof(data)) > 0)
		;
	a = pair(l, 7001, &b);		// unsent before the end: FIN-WAIT-1
	fcntl(a, F_SETFL, O_NONBLOCK);
	while (write(a, data, sizeof(data)) > 0)
		;
	close(a);
	inet_pton(AF_INET, "192.0.2.99", &far.sin_addr);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);	// SYN-SENT
	connect(fd, (void *)&far, sizeof(far));
	inet_pton(AF_INET6, "2001:db8::99", &six.sin6_addr);
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0);
	connect(fd, (void *)&six, sizeof(six));
	six.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	six.sin6_port = htons(7003);
	fd = socket(AF_INET6, SOCK_STREAM, 0);			// bound, and no more
	must(bind(fd, (void *)&six, sizeof(six)), "bind6");
	inet_pton(AF_INET6, "::ffff:127.0.0.1", &six.sin6_addr);
	six.sin6_port = htons(7001);
	fd = socket(AF_INET6, SOCK_STREAM, 0);			// IPv4 in a socket of IPv6
	must(connect(fd, (void *)&six, sizeof(six)), "mapped");
	fd = must(socket(AF_INET, SOCK_STREAM, 262 /* MPTCP */), "mptcp");
	far.sin_port = htons(7004);
	far.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	must(bind(fd, (void *)&far, sizeof(far)), "bind mptcp");
	listen(fd, 2);
	fd = must(socket(AF_INET, SOCK_DGRAM, 136 /* UDP-Lite */), "udplite");
	far.sin_port = htons(7005);
	if (fd >= 0)
		must(bind(fd, (void *)&far, sizeof(far)), "bind udplite");
	fd = must(socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), "raw6");
	six.sin6_port = htons(7006);
	six.sin6_addr = (struct in6_addr)IN6ADDR_LOOPBACK_INIT;
	fd = socket(AF_INET6, SOCK_DGRAM, 0);
	must(bind(fd, (void *)&six, sizeof(six)), "bind udp6");
	must(connect(fd, (void *)&six, sizeof(six)), "connect udp6");
	must(write(fd, "to myself", 9), "udp6");
	fd = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP);		// a ping socket
	must(setsockopt(l, SOL_SOCKET, SO_BINDTODEVICE, "lo", 3), "bind to device");
}

static void vsocks(void)
{
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_port = 4321, .svm_cid = VMADDR_CID_ANY };
	int l = must(socket(AF_VSOCK, SOCK_STREAM, 0), "vsock"), c, s;
	socklen_t len = sizeof(a);

	must(bind(l, (void *)&a, sizeof(a)), "vsock bind");
	must(listen(l, 4), "vsock listen");
	a.svm_cid = VMADDR_CID_LOCAL;
	c = socket(AF_VSOCK, SOCK_STREAM, 0);
	must(connect(c, (void *)&a, sizeof(a)), "vsock connect");
	s = must(accept(l, NULL, NULL), "vsock accept");
	must(write(c, "seventeen letters", 17), "vsock write");
	getsockname(c, (void *)&a, &len);
	tell("vsock listen=%d port=4321 client=%d cid=%u port=%u server=%d unread=17", l, c, a.svm_cid, a.svm_port, s);
	c = socket(AF_VSOCK, SOCK_SEQPACKET, 0);
	a.svm_cid = VMADDR_CID_ANY;
	a.svm_port = 4322;
	if (c >= 0)
		must(bind(c, (void *)&a, sizeof(a)), "vsock seqpacket");
}

static void xdp_socket(void)
{
	int fd = must(socket(AF_XDP, SOCK_RAW, 0), "xdp"), size = 64;
	struct xdp_umem_reg reg = { .len = 64 * PAGE, .chunk_size = PAGE };
	struct sockaddr_xdp a = { .sxdp_family = AF_XDP, .sxdp_ifindex = if_nametoindex("dummy0"), .sxdp_flags = XDP_COPY };

	if (fd < 0)
		return;
	reg.addr = (uintptr_t)map(64 * PAGE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	must(setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &reg, sizeof(reg)), "umem");
	must(setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &size, sizeof(size)), "fill ring");
	must(setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &size, sizeof(size)), "completion ring");
	must(setsockopt(fd, SOL_XDP, XDP_RX_RING, &size, sizeof(size)), "rx ring");
	must(bind(fd, (void *)&a, sizeof(a)), "xdp bind");
	tell("xdp=%d", fd);
}

static void unix_sockets(void)
{
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "/tmp/more.dgram" };
	char control[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr m = { .msg_iov = &(struct iovec){ "x", 1 }, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control) };
	struct cmsghdr *cm = CMSG_FIRSTHDR(&m);
	int sv[2], d = socket(AF_UNIX, SOCK_DGRAM, 0), flight = must(open("/tmp/in.flight", O_CREAT | O_RDWR, 0600), "flight");

	must(bind(d, (void *)&u, sizeof(u)), "unix dgram");
	d = socket(AF_UNIX, SOCK_DGRAM, 0);
	must(connect(d, (void *)&u, sizeof(u)), "unix dgram connect");
	must(write(d, "dgram", 5), "unix write");
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	cm->cmsg_level = SOL_SOCKET;
	cm->cmsg_type = SCM_RIGHTS;
	cm->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(cm), &flight, sizeof(int));
	must(sendmsg(sv[0], &m, 0), "SCM_RIGHTS");
	close(flight);			// but in the queue
	socketpair(AF_UNIX, SOCK_STREAM, 0, sv);
	close(sv[1]);			// the other end is gone
	tell("unix half=%d", sv[0]);
}

static void sockets(void)
{
	struct sockaddr_nl nl = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK | RTMGRP_IPV4_ROUTE };
	int fd = must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), "netlink");

	must(bind(fd, (void *)&nl, sizeof(nl)), "netlink bind");
	must(socket(AF_PACKET, SOCK_DGRAM, htons(0x88cc)), "packet");
	unix_sockets();
	tcp_states();
	vsocks();
	xdp_socket();
	tell("pid=%d", getpid());
}

static void netns(void)		// started in a namespace of its own by "unshare -n"
{
	neighbour("veth9", AF_INET, "203.0.113.9", "02:00:00:00:09:09", NUD_PERMANENT, 0);
	neighbour("veth9", AF_INET6, "2001:db8:9::9", "02:00:00:00:09:09", NUD_PERMANENT, 0);
	socket_at(SOCK_STREAM, INADDR_ANY, 7777);
	socket_at(SOCK_DGRAM, INADDR_ANY, 7778);
	tell("netns");
}

// ---- credentials, limits, a terminal

static void user(void)
{
	struct __user_cap_header_struct h = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct d[2] = { { 1 << CAP_NET_RAW | 1 << CAP_CHOWN, 1 << CAP_NET_RAW | 1 << CAP_CHOWN | 1 << CAP_SETUID, 1 << CAP_NET_RAW }, {0} };
	gid_t groups[] = { 4, 24, 1000, 100000 };
	struct rlimit r = { 123, 456 };
	struct sock_filter f[] = { { 6, 0, 0, 0x7fff0000 } };
	struct sock_fprog prog = { 1, f };
	char tty[32];
	unsigned n = 0;
	int unlock = 0, m = must(open("/dev/ptmx", O_RDWR | O_NOCTTY), "ptmx"), t;

	setsid();
	ioctl(m, TIOCSPTLCK, &unlock);
	ioctl(m, TIOCGPTN, &n);
	snprintf(tty, sizeof(tty), "/dev/pts/%u", n);
	t = must(open(tty, O_RDWR), "its terminal");
	ioctl(t, TIOCSCTTY, 0);
	umask(027);
	setrlimit(RLIMIT_NOFILE, &r);
	setpriority(PRIO_PROCESS, 0, 3);
	must(setgroups(4, groups), "groups");
	prctl(PR_SET_KEEPCAPS, 1);
	must(setresgid(1001, 1002, 1003), "gid");
	must(setresuid(1001, 1002, 1003), "uid");
	must(syscall(SYS_capset, &h, d), "capset");
	must(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_NET_RAW, 0, 0), "ambient");
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	must(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &prog), "seccomp");
	personality(ADDR_NO_RANDOMIZE);
	tell("tty=%s", tty);
}

// ---- locks that are not of flock() and fcntl(F_SETLK)

static void leases(void)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 5 };
	int a = must(open("/tmp/ofd", O_RDWR | O_CREAT, 0600), "ofd"), b = must(open("/tmp/leased", O_RDONLY | O_CREAT, 0600), "leased"),
	    c = must(open("/tmp/write.lease", O_RDWR | O_CREAT, 0600), "write lease"), p = must(open("/tmp/wait.posix", O_RDWR | O_CREAT, 0600), "posix");

	must(fcntl(a, F_OFD_SETLK, &l), "OFD lock");
	must(fcntl(b, F_SETLEASE, F_RDLCK), "read lease");
	must(fcntl(c, F_SETLEASE, F_WRLCK), "write lease");
	l.l_type = F_RDLCK;
	l.l_start = 100;
	l.l_len = 0;
	must(fcntl(p, F_SETLK, &l), "posix read lock");
	if (!child()) {
		name("more-waits");
		l.l_type = F_WRLCK;
		p = open("/tmp/wait.posix", O_RDWR);
		tell("waits for a POSIX lock");
		fcntl(p, F_SETLKW, &l);
	}
	tell("leases");
}

void zoo_more(const char *what)
{
	static const struct { const char *name; void (*run)(void); } animals[] = {
		{ "anon", anon }, { "pages", pages }, { "neighbours", neighbours }, { "sockets", sockets }, { "netns", netns },
		{ "user", user }, { "leases", leases },
	};

	for (size_t i = 0; i < sizeof(animals) / sizeof(*animals); i++)
		if (!strcmp(what, animals[i].name))
			animals[i].run();
}
