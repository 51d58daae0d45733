// SPDX-License-Identifier: LGPL-2.1-or-later
// zoo: the processes of the test guest. One static program, one animal per argument:
// it sets up kernel state of a known kind, writes what it did as a line
// "ZOO mode=... key=value ..." to the file named by $ZOO, and rests until the crash.
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "zoo.h"

static const char *mode;

void tell(const char *fmt, ...)
{
	char line[1024];
	const char *file = getenv("ZOO");
	int fd = file ? open(file, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644) : dup(1);
	int n = snprintf(line, sizeof(line), "ZOO mode=%s pid=%d ", mode, getpid());
	va_list ap;

	va_start(ap, fmt);
	n += vsnprintf(line + n, sizeof(line) - n - 1, fmt, ap);
	va_end(ap);
	line[n++] = '\n';
	if (fd < 0 || write(fd, line, n) != n)
		perror("zoo");
	close(fd);
}

int must(int ret, const char *what)
{
	if (ret < 0)
		tell("FAILED %s: %s", what, strerror(errno));
	return ret;
}

void name(const char *comm)
{
	prctl(PR_SET_NAME, comm);
}

static void rest(void)
{
	for (;;)
		pause();
}

pid_t child(void)
{
	fflush(NULL);
	return must(fork(), "fork");
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static int thread_pipe[2];

static void *thread(void *arg)
{
	static const char * const does[] = { "futex", "nanosleep", "pipe", "poll", "sigwait" };
	struct timespec day = { 86400, 0 };
	struct pollfd pfd = { .fd = thread_pipe[0], .events = POLLIN };
	char comm[16], c;
	long n = (long)arg;
	sigset_t none;

	snprintf(comm, sizeof(comm), "thread-%ld", n);
	name(comm);
	tell("tid=%ld name=%s does=%s", syscall(SYS_gettid), comm, does[n % 5]);
	sigemptyset(&none);
	switch (n % 5) {
	case 0: pthread_mutex_lock(&mutex); break;
	case 1: nanosleep(&day, NULL); break;
	case 2: must(read(thread_pipe[0], &c, 1), "read"); break;
	case 3: poll(&pfd, 1, -1); break;
	default: sigsuspend(&none); break;
	}
	return NULL;
}

static void threads(void)
{
	pthread_t t;
	long i;

	must(pipe(thread_pipe), "pipe");
	pthread_mutex_lock(&mutex);
	for (i = 0; i < 10; i++)
		pthread_create(&t, NULL, thread, (void *)i);
	tell("threads=11");
}

static void handler(int sig)
{
	(void)sig;
}

static void signals(void)
{
	struct sigaction sa = { .sa_handler = handler, .sa_flags = SA_RESTART };
	struct sigevent se = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN + 3 };
	struct itimerspec its = { .it_value = { 80000, 0 }, .it_interval = { 5, 0 } };
	struct itimerval day = { .it_value = { 86400, 0 } };
	timer_t t;
	sigset_t set;

	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGALRM, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGRTMIN + 1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	kill(getpid(), SIGUSR2);
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 777 });
	sigqueue(getpid(), SIGRTMIN + 1, (union sigval){ .sival_int = 778 });
	setitimer(ITIMER_REAL, &day, NULL);
	timer_create(CLOCK_MONOTONIC, &se, &t);
	timer_settime(t, 0, &its, NULL);
	tell("caught=USR1,ALRM ignored=PIPE blocked=USR2,TERM,RTMIN+1 pending=USR2,RTMIN+1,RTMIN+1");
}

static void zombie(void)
{
	pid_t p = child();

	if (!p)
		_exit(7);
	tell("child=%d exit=7", p);
}

// A parent waits for its vfork child uninterruptibly.
static void dstate(void)
{
	struct timespec day = { 86400, 0 };

	tell("waits in D for its child");
	if (!vfork()) {
		prctl(PR_SET_NAME, "vfork-child");
		nanosleep(&day, NULL);
		_exit(0);
	}
}

static void stopped(void)
{
	pid_t p = child(), q;

	if (!p) {
		name("zoo-stop");
		raise(SIGSTOP);
		rest();
	}
	q = child();
	if (!q) {
		name("zoo-traced");
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGTRAP);
		rest();
	}
	waitpid(q, NULL, 0);
	tell("stopped=%d traced=%d", p, q);
}

static void sched(void)
{
	static const struct { const char *comm; int policy, prio, nice; } kinds[] = {
		{ "fifo-50", SCHED_FIFO, 50, 0 }, { "rr-10", SCHED_RR, 10, 0 }, { "batch", SCHED_BATCH, 0, 5 },
		{ "idle", SCHED_IDLE, 0, 0 }, { "nice-7", SCHED_OTHER, 0, -7 }, { "nice19", SCHED_OTHER, 0, 19 },
	};
	struct { uint32_t size, policy; uint64_t flags; int32_t nice; uint32_t prio; uint64_t run, deadline, period; }
		dl = { 48, SCHED_DEADLINE, 0, 0, 0, 1000000, 50000000, 100000000 };
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		struct sched_param prio = { kinds[i].prio };

		if (child())
			continue;
		name(kinds[i].comm);
		must(sched_setscheduler(0, kinds[i].policy, &prio), "setscheduler");
		setpriority(PRIO_PROCESS, 0, kinds[i].nice);
		tell("name=%s policy=%d rtprio=%d nice=%d", kinds[i].comm, kinds[i].policy, kinds[i].prio,
		     kinds[i].nice);
		rest();
	}
	if (!child()) {
		name("deadline");
		must(syscall(SYS_sched_setattr, 0, &dl, 0), "sched_setattr");
		tell("name=deadline policy=6");
	}
}

static void locks(void)
{
	struct flock part = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 100, .l_len = 50 };
	int whole = must(open("/tmp/flock", O_RDWR | O_CREAT, 0600), "flock");

	must(flock(whole, LOCK_EX), "flock");
	must(fcntl(open("/tmp/posix", O_RDWR | O_CREAT, 0600), F_SETLK, &part), "posix");
	tell("holds flock=/tmp/flock posix=/tmp/posix 100..149");
	if (!child()) {
		whole = open("/tmp/flock", O_RDWR);
		name("zoo-lock-wait");
		tell("waits for flock");
		flock(whole, LOCK_EX);
	}
}

static int inside(void *arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7777) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	(void)arg;
	name("zoo-ns-init");
	must(sethostname("zoo-inside", 10), "sethostname");
	mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL);
	must(mount("inside", "/mnt/inside", "tmpfs", 0, "size=1m"), "mount");
	must(bind(fd, (void *)&a, sizeof(a)), "bind");
	listen(fd, 1);
	must(chroot("/mnt/inside"), "chroot");
	must(chdir("/"), "chdir");
	must(open("/inside.txt", O_RDWR | O_CREAT, 0600), "open");
	if (!child())
		name("zoo-ns-child");
	rest();
	return 0;
}

static void ns(void)
{
	static char stack[65536] __attribute__((aligned(16)));
	int flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC | SIGCHLD;

	mkdir("/mnt/inside", 0755);
	tell("init=%d hostname=zoo-inside root=/mnt/inside listen=7777",
	     must(clone(inside, stack + sizeof(stack), flags, NULL), "clone"));
}

static void user(void)
{
	struct rlimit files = { 77, 99 };
	gid_t groups[] = { 10, 20, 30 };

	setrlimit(RLIMIT_NOFILE, &files);
	setenv("ZOO_GREETING", "an environment of its own", 1);
	must(setgroups(3, groups), "setgroups");
	must(setresgid(1001, 1002, 1003), "setresgid");
	must(setresuid(2001, 2002, 2003), "setresuid");
	tell("uid=2001,2002,2003 gid=1001,1002,1003 groups=10,20,30 nofile=77,99");
}

static void oddname(void)
{
	name("a name) with (");
	tell("comm='a name) with ('");
}

static void busy(void)
{
	tell("spins");
	for (;;)
		__asm__ volatile("" ::: "memory");
}

int main(int argc, char **argv)
{
	static const struct { const char *mode; void (*run)(void); } animals[] = {
		{ "files", zoo_files }, { "threads", threads }, { "ipc", zoo_ipc }, { "maps", zoo_maps },
		{ "net", zoo_net }, { "signals", signals }, { "zombie", zombie }, { "vfork", dstate },
		{ "stopped", stopped }, { "sched", sched }, { "locks", locks }, { "ns", ns },
		{ "user", user }, { "oddname", oddname }, { "busy", busy },
	};
	char comm[16];
	size_t i;

	mode = argc == 2 ? argv[1] : "";
	if (argc == 3 && !strcmp(argv[1], "more")) {
		mode = argv[2];
		snprintf(comm, sizeof(comm), "more-%.9s", mode);
		name(comm);
		zoo_more(mode);
		rest();
	}
	for (i = 0; i < sizeof(animals) / sizeof(*animals); i++)
		if (!strcmp(mode, animals[i].mode)) {
			snprintf(comm, sizeof(comm), "zoo-%.10s", mode);
			name(comm);
			animals[i].run();
			rest();
		}
	fprintf(stderr, "usage: zoo MODE, one of");
	for (i = 0; i < sizeof(animals) / sizeof(*animals); i++)
		fprintf(stderr, " %s", animals[i].mode);
	fputc('\n', stderr);
	return 2;
}
