// SPDX-License-Identifier: LGPL-2.1-or-later
// zoo-things: the animals that own things: files, IPC objects, mappings, sockets.
#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/un.h>
#include <unistd.h>
#include "zoo.h"

void zoo_files(void)
{
	struct itimerspec day = { .it_value = { 86400, 0 } };
	struct epoll_event ev = { .events = EPOLLIN, .data.u64 = 0x1234 };
	int p[2], fd, ep, tfd, ifd, sfd, efd, i;
	sigset_t set;

	fd = must(open("/mnt/data/dir/regular.txt", O_RDWR | O_CREAT, 0644), "regular");
	must(write(fd, "hello from ext4\n", 16), "write");
	must(open("/tmp/appended.txt", O_WRONLY | O_CREAT | O_APPEND | O_SYNC, 0600), "tmpfs");
	fd = must(open("/tmp/deleted.txt", O_RDWR | O_CREAT, 0600), "deleted");
	must(unlink("/tmp/deleted.txt"), "unlink");
	must(open("/mnt/data/dir", O_RDONLY | O_DIRECTORY), "directory");
	must(open("/mnt/overlay/lower.txt", O_RDONLY), "overlay");
	must(open("/mnt/data", O_PATH), "path");
	must(pipe(p), "pipe");
	must(write(p[1], "eleven byte", 11), "pipe write");
	must(mkfifo("/tmp/fifo", 0600), "mkfifo");
	must(open("/tmp/fifo", O_RDWR), "fifo");
	efd = must(eventfd(42, 0), "eventfd");
	tfd = must(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC), "timerfd");
	timerfd_settime(tfd, 0, &day, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	sfd = must(signalfd(-1, &set, 0), "signalfd");
	ifd = must(inotify_init(), "inotify");
	inotify_add_watch(ifd, "/mnt/data/dir", IN_CREATE);
	ep = must(epoll_create1(0), "epoll");
	epoll_ctl(ep, EPOLL_CTL_ADD, tfd, &ev);
	epoll_ctl(ep, EPOLL_CTL_ADD, sfd, &ev);
	epoll_ctl(ep, EPOLL_CTL_ADD, ifd, &ev);
	must(open("/dev/null", O_RDWR), "null");
	must(open("/dev/zero", O_RDONLY), "zero");
	must(open("/dev/ptmx", O_RDWR | O_NOCTTY), "ptmx");
	must(open("/proc/self/status", O_RDONLY), "proc");
	must(open("/proc/self/ns/net", O_RDONLY), "ns");
	must(open("/sys/kernel/notes", O_RDONLY), "sysfs");
	fd = must(memfd_create("zoo-memfd", 0), "memfd");
	must(ftruncate(fd, 12345), "ftruncate");
	must(syscall(SYS_pidfd_open, getppid(), 0), "pidfd");
	must(socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE), "netlink");
	fd = must(open("/tmp/many.txt", O_RDWR | O_CREAT, 0600), "many");
	for (i = 0; i < 80; i++)	// past the 64 files that fit into the first table
		must(dup(fd), "dup");
	fd = must(fcntl(fd, F_DUPFD_CLOEXEC, 900), "high fd");
	tell("epoll=%d eventfd=%d count=42 highfd=%d pipe=11", ep, efd, fd);
	epoll_wait(ep, &ev, 1, -1);
}

void zoo_ipc(void)
{
	int shm = must(shmget(0x2a0001, 3 * 1024 * 1024 + 100, IPC_CREAT | 0640), "shmget");
	int sem = must(semget(0x2a0002, 5, IPC_CREAT | 0600), "semget");
	int msg = must(msgget(0x2a0003, IPC_CREAT | 0622), "msgget");
	struct { long type; char text[64]; } m;
	char *p = shmat(shm, NULL, 0);
	int i;

	strcpy(p, "shared memory says hello");
	p[2 << 20] = 'x';
	tell("shm key=0x2a0001 id=%d bytes=3145828 at=%p", shm, (void *)p);
	for (i = 0; i < 5; i++)
		semctl(sem, i, SETVAL, i);
	tell("sem key=0x2a0002 id=%d count=5 values=0,1,2,3,4", sem);
	for (i = 1; i <= 3; i++) {
		m.type = i;
		snprintf(m.text, sizeof(m.text), "message number %d", i);
		must(msgsnd(msg, &m, 20 * i, 0), "msgsnd");
	}
	tell("msg key=0x2a0003 id=%d messages=3 bytes=120", msg);
	if (!child()) {
		struct sembuf down = { 0, -1, 0 };

		name("zoo-sem-wait");
		tell("waits for sem 0");
		semop(sem, &down, 1);
	}
}

// The page frame of an address, as the kernel tells its owner.
static uint64_t pfn(const void *addr)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t e = 0;

	if (pread(fd, &e, 8, (uintptr_t)addr / 4096 * 8) != 8)
		e = 0;
	close(fd);
	return e >> 62 == 2 ? e & ((1ULL << 55) - 1) : 0;	// present, not swapped
}

void zoo_maps(void)
{
	int rw = PROT_READ | PROT_WRITE, fd = must(open("/mnt/data/mapped.dat", O_RDWR | O_CREAT, 0644), "mapped");
	char *shared, *private, *anon, *shmem, *huge, *none;
	int i;

	must(ftruncate(fd, 256 * 1024), "ftruncate");
	shared = mmap(NULL, 256 * 1024, rw, MAP_SHARED, fd, 0);
	private = mmap(NULL, 256 * 1024, rw, MAP_PRIVATE, fd, 0);
	anon = mmap(NULL, 2 << 20, rw, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	shmem = mmap(NULL, 1 << 20, rw, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	none = mmap(NULL, 65536, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	huge = mmap((void *)0x600000000000, 4 << 20, rw, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	madvise(huge, 4 << 20, MADV_HUGEPAGE);
	for (i = 0; i < 64; i++)
		sprintf(shared + i * 4096, "file page %d", i);
	strcpy(private + 8192, "private copy of page 2");
	for (i = 0; i < 512; i++)
		memcpy(anon + i * 4096, &(uint64_t){ 0xabcd000000000000ULL + i }, 8);
	for (i = 0; i < 16; i++)
		sprintf(shmem + i * 4096, "shmem page %d", i);
	memset(huge, 0x5a, 2 << 20);
	must(mlock(anon, 65536), "mlock");
	must(mprotect(anon + (1 << 19), 4096, PROT_READ), "mprotect");
	must(madvise(anon + (1 << 20), 1 << 20, MADV_PAGEOUT), "pageout");
	tell("shared=%p private=%p anon=%p shmem=%p none=%p huge=%p paged_out=%p", (void *)shared,
	     (void *)private, (void *)anon, (void *)shmem, (void *)none, (void *)huge, (void *)(anon + (1 << 20)));
	tell("pfn shared=%#jx private2=%#jx anon=%#jx shmem=%#jx huge=%#jx", pfn(shared), pfn(private + 8192),
	     pfn(anon), pfn(shmem), pfn(huge));
}

void zoo_net(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_in6 b = { .sin6_family = AF_INET6, .sin6_port = htons(5006), .sin6_addr = in6addr_any };
	struct sockaddr_un u = { .sun_family = AF_UNIX, .sun_path = "/tmp/zoo.sock" };
	socklen_t len = sizeof(a), ulen = offsetof(struct sockaddr_un, sun_path) + 13;
	int one = 1, l, c, s, d, sv[2];
	static char data[5000];

	l = must(socket(AF_INET, SOCK_STREAM, 0), "tcp");
	setsockopt(l, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	a.sin_port = htons(5001);
	must(bind(l, (void *)&a, sizeof(a)), "bind");
	listen(l, 16);
	c = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(c, (void *)&a, sizeof(a)), "connect");
	s = must(accept(l, NULL, NULL), "accept");
	must(write(c, data, sizeof(data)), "send");	// nobody reads them
	d = socket(AF_INET, SOCK_DGRAM, 0);
	a.sin_port = htons(5353);
	must(bind(d, (void *)&a, sizeof(a)), "udp bind");
	d = socket(AF_INET, SOCK_DGRAM, 0);
	must(connect(d, (void *)&a, sizeof(a)), "udp connect");
	must(write(d, "datagram", 8), "udp send");
	d = socket(AF_INET6, SOCK_STREAM, 0);
	must(bind(d, (void *)&b, sizeof(b)), "bind6");
	listen(d, 3);
	b.sin6_addr = in6addr_loopback;
	must(connect(socket(AF_INET6, SOCK_STREAM, 0), (void *)&b, sizeof(b)), "connect6");
	b.sin6_port = htons(5355);
	must(bind(socket(AF_INET6, SOCK_DGRAM, 0), (void *)&b, sizeof(b)), "udp6");
	must(socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), "raw");
	must(socket(AF_PACKET, SOCK_RAW, htons(3)), "packet");
	d = socket(AF_UNIX, SOCK_STREAM, 0);
	must(bind(d, (void *)&u, sizeof(u)), "unix bind");
	listen(d, 7);
	must(connect(socket(AF_UNIX, SOCK_STREAM, 0), (void *)&u, sizeof(u)), "unix connect");
	memcpy(u.sun_path, "\0zoo-abstract", 13);
	must(bind(socket(AF_UNIX, SOCK_DGRAM, 0), (void *)&u, ulen), "abstract");
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sv), "socketpair");
	getsockname(c, (void *)&a, &len);
	tell("listen=%d client=%d port=%d server=%d recvq=5000 udp=127.0.0.1:5353 udpq=8 listen6=[::]:5006", l, c,
	     ntohs(a.sin_port), s);
	accept(l, NULL, NULL);
}
