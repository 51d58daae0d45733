/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A kernel that never ran: some tasks laid out as kernels of an older generation have them, linked where a kernel lies.
 * Serves as vmlinux and, its segments copied into a vmcore, as memory. GENERATION: 206 is v2.6.32, 310 v3.10, 404 v4.4, 417 v4.17.
 * Pids: 0 (two CPUs), 1 init, 2 kthreadd, 100 with threads 101 and 102, 200 a zombie, 300 and 301 odd states.
 */
typedef unsigned long ulong;
typedef unsigned long long u64;

struct list_head { struct list_head *next, *prev; };
struct hlist_node { struct hlist_node *next, **pprev; };
struct hlist_head { struct hlist_node *first; };
typedef struct { int counter; } atomic_t;
typedef struct { long counter; } atomic_long_t;
struct cpumask { ulong bits[1]; };
struct timespec { long tv_sec, tv_nsec; };

const char linux_banner[] = "Linux version 0.0.0-fake (nobody@nowhere) #1\n";
char init_level4_pgt[4096] __attribute__((aligned(4096))) = { 1 };
void _stext(void);
void _stext(void) {}

#if GENERATION >= 417
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES, NR_MM_COUNTERS } fake_counters;
#else
enum { MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, NR_MM_COUNTERS } fake_counters;
#endif
enum pid_type { PIDTYPE_PID, PIDTYPE_PGID, PIDTYPE_SID, PIDTYPE_MAX } fake_types;

struct file { int x; };
struct mm_struct {
	ulong pgd_pad;
	void *pgd;
#if GENERATION == 206
	atomic_long_t _file_rss, _anon_rss;
#else
	struct mm_rss_stat { atomic_long_t count[NR_MM_COUNTERS]; } rss_stat;
#endif
	ulong total_vm, arg_start, arg_end, env_start, env_end;
	struct file *exe_file;
};

struct task_struct;
struct pid_namespace;
struct upid {
	int nr;
	struct pid_namespace *ns;
#if GENERATION < 417
	struct hlist_node pid_chain;
#endif
};
struct pid {
	atomic_t count;
	unsigned level;
	struct hlist_head tasks[PIDTYPE_MAX];
	struct upid numbers[1];
};
struct pid_link { struct hlist_node node; struct pid *pid; };

struct signal_struct {
	int live;
#if GENERATION >= 404
	struct list_head thread_head;
#endif
};
struct sched_info { ulong pcount; u64 run_delay, last_arrival, last_queued; };
struct thread_struct { ulong sp; };
struct thread_info { struct task_struct *task; ulong flags; unsigned cpu; };

#if GENERATION < 417
typedef ulong cputime_t;
#else
typedef u64 cputime_t_no_more;
#endif

struct task_struct {
	volatile long state;
	void *stack;
	unsigned flags;
#if GENERATION >= 417
	unsigned cpu;
#endif
	int prio, static_prio, normal_prio;
	unsigned policy, rt_priority;
	struct sched_info sched_info;
	struct list_head tasks;
	struct mm_struct *mm, *active_mm;
#if GENERATION != 206
	struct task_rss_stat { int events; int count[NR_MM_COUNTERS]; } rss_stat;
#endif
	int exit_state;
	int pid, tgid;
	struct task_struct *real_parent, *parent, *group_leader;
	struct pid_link pids[PIDTYPE_MAX];
	struct list_head thread_group;
#if GENERATION >= 404
	struct list_head thread_node;
#endif
#if GENERATION < 417
	cputime_t utime, stime;
#else
	u64 utime, stime;
#endif
#if GENERATION < 404
	struct timespec start_time, real_start_time;
#else
	u64 start_time, real_start_time;
#endif
	char comm[16];
	struct thread_struct thread;
	struct signal_struct *signal;
	void *sighand, *files, *fs, *nsproxy;
#if GENERATION < 404
	struct css_set *cgroups;
#endif
};
#if GENERATION < 404
extern struct css_set set100;
#define CGROUPS .cgroups = &set100,
#else
#define CGROUPS
#endif

extern struct task_struct init_task, t_idle1, t1, t2, t100, t101, t102, t200, t300, t301;
extern struct pid p1, p2, p100, p101, p102, p200, p300, p301;
extern struct signal_struct s_init, s1, s2, s100, s200, s300, s301;

struct mm_struct mm100 = {
	.pgd = init_level4_pgt, .total_vm = 1000, .arg_start = 0x1000, .arg_end = 0x1010,
#if GENERATION == 206
	._file_rss = { 30 }, ._anon_rss = { 12 },
#else
	.rss_stat = { .count = { [MM_FILEPAGES] = { 30 }, [MM_ANONPAGES] = { -5 }, [MM_SWAPENTS] = { 999 } } },
#endif
};

#define LINK(a, b) { &(b)->tasks, &(a)->tasks }
#if GENERATION == 206
#define RSS(file, anon)
#else
#define RSS(file, anon) .rss_stat = { .events = 3, .count = { [MM_FILEPAGES] = (file), [MM_ANONPAGES] = (anon) } },
#endif
#if GENERATION < 404
#define START(s, ns) .start_time = { s, ns }, .real_start_time = { s, (ns) + 1 },
#else
#define START(s, ns) .start_time = (s) * 1000000000ull + (ns), .real_start_time = (s) * 1000000000ull + (ns) + 1,
#endif
#if GENERATION < 417
#define CPU(n) .stack = &stack_of_cpu[n],
struct thread_info stack_of_cpu[2] = { { &init_task, 0, 0 }, { &t_idle1, 0, 1 } };
#else
#define CPU(n) .cpu = (n), .stack = init_level4_pgt,
#endif
#if GENERATION >= 404
#define NODE(prev_, next_) .thread_node = { next_, prev_ },
#define ALONE(s, t) .thread_node = { &(s)->thread_head, &(s)->thread_head },
#else
#define NODE(prev_, next_)
#define ALONE(s, t)
#endif
#define GROUP(prev_, next_) .thread_group = { &(next_)->thread_group, &(prev_)->thread_group },
#define PID(p) .pids = { [PIDTYPE_PID] = { { 0, &(p)->tasks[PIDTYPE_PID].first }, (p) } },
#define TASK(pid_, tgid_, comm_, parent_, leader_, signal_, state_, exit_, cpu_)						\
	.pid = (pid_), .tgid = (tgid_), .comm = comm_, .real_parent = (parent_), .parent = (parent_), .group_leader = (leader_),	\
	.signal = (signal_), .state = (state_), .exit_state = (exit_), .prio = 120, .utime = 7, .stime = 3,			\
	.sched_info = { .last_arrival = 1000 + (pid_) }, .thread = { 0xffffffff81234560ul }, CPU(cpu_) START(5, 600)

#define ZOMBIE (GENERATION >= 404 ? 32 : 16)
#define TASK_DEAD (GENERATION == 417 ? 0x80 : 64)
#define PARKED (GENERATION == 417 ? 0x40 : 512)
#define KTHREAD .flags = 0x00200000

struct task_struct init_task = { TASK(0, 0, "swapper", &init_task, &init_task, &s_init, 0, 0, 0) .tasks = LINK(&t301, &t1), KTHREAD,
	GROUP(&init_task, &init_task) ALONE(&s_init, &init_task) };
struct task_struct t_idle1 = { TASK(0, 0, "swapper", &init_task, &t_idle1, &s_init, 0, 0, 1) KTHREAD, GROUP(&t_idle1, &t_idle1) };
struct task_struct t1 = { TASK(1, 1, "init", &init_task, &t1, &s1, 1, 0, 0) .tasks = LINK(&init_task, &t2), GROUP(&t1, &t1)
	ALONE(&s1, &t1) PID(&p1) };
struct task_struct t2 = { TASK(2, 2, "kthreadd", &init_task, &t2, &s2, 1, 0, 1) .tasks = LINK(&t1, &t100), GROUP(&t2, &t2)
	ALONE(&s2, &t2) PID(&p2) KTHREAD };
struct task_struct t100 = { TASK(100, 100, "server", &t1, &t100, &s100, 2, 0, 1) .tasks = LINK(&t2, &t200), GROUP(&t102, &t101)
	NODE(&s100.thread_head, &t101.thread_node) PID(&p100) CGROUPS .mm = &mm100, RSS(2, 20) };
struct task_struct t101 = { TASK(101, 100, "server-a", &t1, &t100, &s100, 0, 0, 1) GROUP(&t100, &t102)
	NODE(&t100.thread_node, &t102.thread_node) PID(&p101) .mm = &mm100, RSS(-1, 0) };
struct task_struct t102 = { TASK(102, 100, "server-b", &t101, &t100, &s100, 4, 0, 0) GROUP(&t101, &t100)
	NODE(&t101.thread_node, &s100.thread_head) PID(&p102) .mm = &mm100, };
struct task_struct t200 = { TASK(200, 200, "gone", &t100, &t200, &s200, TASK_DEAD, ZOMBIE, 0) .tasks = LINK(&t100, &t300),
	GROUP(&t200, &t200) ALONE(&s200, &t200) PID(&p200) };
struct task_struct t300 = { TASK(300, 300, "traced", &t1, &t300, &s300, 8, 0, 0) .tasks = LINK(&t200, &t301), GROUP(&t300, &t300)
	ALONE(&s300, &t300) PID(&p300) };
struct task_struct t301 = { TASK(301, 301, "parked", &t2, &t301, &s301, PARKED, 0, 0) .tasks = LINK(&t300, &init_task),
	GROUP(&t301, &t301) ALONE(&s301, &t301) PID(&p301) KTHREAD };

#if GENERATION >= 404
#define SIGNAL(first, last) { 1, { &(first)->thread_node, &(last)->thread_node } }
#else
#define SIGNAL(first, last) { 1 }
#endif
struct signal_struct s_init = SIGNAL(&init_task, &init_task), s1 = SIGNAL(&t1, &t1), s2 = SIGNAL(&t2, &t2), s100 = SIGNAL(&t100, &t102),
	s200 = SIGNAL(&t200, &t200), s300 = SIGNAL(&t300, &t300), s301 = SIGNAL(&t301, &t301);

#if GENERATION < 417
struct pid_namespace { int level; };
struct pid_namespace init_pid_ns, other_ns = { 1 };
#define NUMBER(n, next_) .numbers = { { n, &init_pid_ns, { next_, 0 } } }
/* in another namespace too: only its first number counts */
struct { struct pid pid; struct upid second; } p2_inside = { { .numbers = { { 2, &other_ns, { 0, 0 } } } }, { 1, &other_ns, { 0, 0 } } };
static struct hlist_head buckets[2] = { { &p100.numbers[0].pid_chain }, { &p1.numbers[0].pid_chain } };
struct hlist_head *pid_hash = buckets;
unsigned pidhash_shift = 1;
#define CHAIN(p) &(p)->numbers[0].pid_chain
#else
struct radix_tree_node {
	unsigned char shift, offset, count, exceptional;
	struct radix_tree_node *parent;
	void *slots[64];
};
struct radix_tree_root { unsigned gfp_mask; struct radix_tree_node *rnode; };
struct idr { struct radix_tree_root idr_rt; unsigned idr_base, idr_next; };
struct pid_namespace { int kref; struct idr idr; };
extern struct radix_tree_node n0, n1;
struct radix_tree_node n_top = { .shift = 6, .slots = { [0] = (char *)&n0 + 1, [1] = (char *)&n1 + 1 } };
struct radix_tree_node n0 = { .slots = { [1] = &p1, [2] = &p2 } };
struct radix_tree_node n1 = { .slots = { [5] = &p100, [6] = &p101, [7] = &p102, [8] = &p200, [9] = &p300, [10] = &p301 } };
struct pid_namespace init_pid_ns = { .idr = { .idr_rt = { 0, (struct radix_tree_node *)((char *)&n_top + 1) } } };
#define NUMBER(n, next_) .numbers = { { n, &init_pid_ns } }
#define CHAIN(p) 0
#endif
#define STRUCT_PID(n, next_) { .tasks = { { &t##n.pids[PIDTYPE_PID].node } }, NUMBER(n, next_) }
struct pid p1 = STRUCT_PID(1, CHAIN(&p2)), p100 = STRUCT_PID(100, CHAIN(&p101)), p101 = STRUCT_PID(101, CHAIN(&p102)),
	p102 = STRUCT_PID(102, CHAIN(&p200)), p200 = STRUCT_PID(200, CHAIN(&p300)), p300 = STRUCT_PID(300, CHAIN(&p301)),
	p301 = STRUCT_PID(301, 0);
#if GENERATION < 417
struct pid p2 = STRUCT_PID(2, &p2_inside.second.pid_chain);
#else
struct pid p2 = STRUCT_PID(2, 0);
#endif

#if GENERATION == 206
const char *const task_state_array[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)", "T (tracing stop)", "Z (zombie)",
	"X (dead)" };
#elif GENERATION == 310
const char *const task_state_array[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)", "t (tracing stop)", "Z (zombie)",
	"X (dead)", "x (dead)", "K (wakekill)", "W (waking)", "P (parked)" };
#elif GENERATION == 404
const char *const task_state_array[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)", "t (tracing stop)", "X (dead)",
	"Z (zombie)" };
#else
const char *const task_state_array[] = { "R (running)", "S (sleeping)", "D (disk sleep)", "T (stopped)", "t (tracing stop)", "X (dead)",
	"Z (zombie)", "P (parked)", "I (idle)" };
#endif

struct rq { unsigned nr_running; u64 clock; struct task_struct *curr, *idle; };
#if GENERATION == 206
#define runqueues per_cpu__runqueues
#endif
struct rq runqueues[2] = { { 1, 5000, &init_task, &init_task }, { 1, 6000, &t101, &t_idle1 } };
ulong __per_cpu_offset[4] = { 0, sizeof(struct rq), 0, 0 };
ulong tick_nsec = 999848;

static const struct cpumask both = { { 3 } };
#if GENERATION >= 417
struct cpumask __cpu_possible_mask = { { 3 } }, __cpu_present_mask = { { 3 } }, __cpu_online_mask = { { 3 } };
atomic_t panic_cpu = { 1 };
#else
const struct cpumask *const cpu_possible_mask = &both, *const cpu_present_mask = &both, *const cpu_online_mask = &both;
int crashing_cpu = 1;
#endif
const void *fake_used[] = { &both, init_level4_pgt };

#if GENERATION < 404
#include "fake_net.h"
#include "fake_route.h"
#include "fake_cgroup.h"
#endif
