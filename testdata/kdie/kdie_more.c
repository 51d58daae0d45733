// SPDX-License-Identifier: GPL-2.0
// kdie_more: more ways to die, those that a checking kernel finds (KASAN, UBSAN, slub_debug), and
// those of waiting. A word written to /proc/kdie_more chooses one. It plays a robot of a tape
// library: kmore_write -> kmore_run -> one function for what is wrong there.
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>
#include <linux/gfp.h>
#include <linux/list.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/percpu-rwsem.h>
#include <linux/proc_fs.h>
#include <linux/rwsem.h>
#include <linux/sched.h>
#include <linux/sched/task_stack.h>
#include <linux/semaphore.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/wait_bit.h>
#include <linux/workqueue.h>

#define SLOTS 4

struct kmore_tape {
	u32 barcode;
	u32 reads;
	struct list_head entry;
	void (*eject)(struct kmore_tape *tape);
	u64 blocks[5];
};

struct kmore_drive {
	struct kmore_tape *loaded;
	u64 hours;
};

struct kmore_robot {
	char name[16];
	struct kmore_drive *drive;
	struct kmore_tape *tape;
	u32 slots[SLOTS];
	u32 arm;			// 9, no slot that there is
	struct list_head tapes;
	struct mutex arm_lock;
	struct rw_semaphore map_sem;
	struct percpu_rw_semaphore hot_sem;
	struct semaphore doors;
	struct completion parked;
	wait_queue_head_t idle;
	unsigned long flags;
	struct work_struct calibrate;
	u64 *journal;			// vmalloc
	char *buffer;
	const char __user *user;
};

static struct kmore_robot kmore_robot = { .name = "robot0", .arm = 9 };
static struct kmem_cache *kmore_cache;
static DEFINE_PER_CPU(u64, kmore_moves);
static u64 *kmore_moves_of_none = (u64 __force *)&kmore_moves;

static noinline void kmore_eject(struct kmore_tape *tape)
{
	tape->reads = 0;
}

static noinline struct kmore_tape *kmore_new_tape(u32 barcode)
{
	struct kmore_tape *tape = kmem_cache_zalloc(kmore_cache, GFP_KERNEL | __GFP_NOFAIL);

	tape->barcode = barcode;
	tape->eject = kmore_eject;
	INIT_LIST_HEAD(&tape->entry);
	return tape;
}

static noinline void kmore_free_tape(struct kmore_tape *tape)
{
	kmem_cache_free(kmore_cache, tape);
}

// ---- memory; what follows a call keeps it from becoming a jump

static noinline int kmore_uaf(struct kmore_robot *r)
{
	kmore_free_tape(r->tape);
	barrier();
	r->tape->eject(r->tape);
	return 1;
}

static noinline int kmore_oob(struct kmore_robot *r)
{
	u64 *blocks = r->tape->blocks;

	OPTIMIZER_HIDE_VAR(blocks);
	blocks[5] = 0x5ca1ab1e;		// behind the end of the tape
	return 1;
}

// The write is found when the object is freed, and survived: then panic() ends it.
static noinline int kmore_redzone(struct kmore_robot *r)
{
	kmore_oob(r);
	kmore_free_tape(r->tape);
	panic("kdie_more: %s lost a tape", r->name);
	return 1;
}

static noinline int kmore_doublefree(struct kmore_robot *r)
{
	struct kmore_tape *tape = r->tape;

	OPTIMIZER_HIDE_VAR(tape);
	kmore_free_tape(r->tape);
	kmore_free_tape(tape);
	panic("kdie_more: %s freed a tape twice", r->name);
	return 1;
}

static noinline int kmore_stackoob(struct kmore_robot *r)
{
	volatile u32 moves[SLOTS] = { 0 };
	volatile u32 *p = moves;

	OPTIMIZER_HIDE_VAR(p);
	return p[r->arm - 5] + 1;	// moves[4]
}

static noinline int kmore_ubsan(struct kmore_robot *r)
{
	return r->slots[READ_ONCE(r->arm)] + 1;
}

static noinline int kmore_shift(struct kmore_robot *r)
{
	return 1 << (READ_ONCE(r->arm) + 30);
}

static noinline int kmore_nullmember(struct kmore_robot *r)
{
	return r->drive->loaded->barcode + 1;	// nothing is loaded
}

static noinline int kmore_vmfreed(struct kmore_robot *r)
{
	vfree(r->journal);
	barrier();
	return READ_ONCE(r->journal[3]) + 1;
}

// A fault in a function of the kernel, by an argument of this one.
static noinline int kmore_memcpy(struct kmore_robot *r)
{
	size_t n = 4 * PAGE_SIZE;

	OPTIMIZER_HIDE_VAR(n);
	memcpy(r->buffer, r->journal, n);	// of two pages
	return r->buffer[7] + 1;
}

static noinline int kmore_modpercpu(struct kmore_robot *r)
{
	return READ_ONCE(*kmore_moves_of_none) + r->arm;
}

static noinline int kmore_user(struct kmore_robot *r)
{
	return READ_ONCE(*(u64 __force *)r->user) + 1;
}

static noinline int kmore_nx(struct kmore_robot *r)
{
	int (*fn)(struct kmore_robot *) = (void *)r->buffer;

	return fn(r) + 1;
}

static noinline int kmore_userjump(struct kmore_robot *r)
{
	int (*fn)(struct kmore_robot *) = (void __force *)r->user;

	return fn(r) + 1;
}

static noinline int kmore_listadd(struct kmore_robot *r)
{
	list_add_tail(&r->tape->entry, &r->tapes);
	r->tape->entry.next = NULL;
	barrier();
	list_add_tail(&kmore_new_tape(2)->entry, &r->tape->entry);
	list_add(&kmore_new_tape(3)->entry, &r->tape->entry);
	return 1;
}

static noinline int kmore_fortify(struct kmore_robot *r)
{
	static char label[16]; size_t n = sizeof(label) + 8;

	OPTIMIZER_HIDE_VAR(n);
	memcpy(label, r->buffer, n);
	return label[3] + 1;
}

static noinline int kmore_usercopy(struct kmore_robot *r)
{
	size_t n = sizeof(*r->tape) + 8;

	OPTIMIZER_HIDE_VAR(n);
	return copy_to_user((void __user *)r->user, r->tape, n) + 1;
}

// A function of another type than the pointer's, which only a kernel that checks it minds.
static noinline int kmore_measure(struct kmore_robot *r, u32 slot)
{
	return r->slots[slot % SLOTS] + 1;
}

static noinline int kmore_cfi(struct kmore_robot *r)
{
	r->tape->eject = (void *)kmore_measure;
	barrier();
	r->tape->eject(r->tape);
	return kmore_measure(r, 1) + 1;
}

// A page that is given back while it seems to be a file's is reported, and leaked: then panic() ends it.
static noinline int kmore_badpage(struct kmore_robot *r)
{
	struct page *page = alloc_page(GFP_KERNEL);

	if (page) {
		page->mapping = (void *)r;
		__free_page(page);
	}
	panic("kdie_more: %s gave back a page in use", r->name);
	return 1;
}

// ---- the processor

static noinline int kmore_doublefault(struct kmore_robot *r)
{
#ifdef CONFIG_X86_64
	asm volatile("mov %%rsp, %%r12\n\txor %%esp, %%esp\n\tpush %%rax\n\tpop %%rax\n\tmov %%r12, %%rsp" : : "a" (r) : "r12", "memory");
#endif
	return r->arm + 1;
}

static noinline int kmore_unaligned(struct kmore_robot *r)
{
#ifdef CONFIG_ARM64
	u64 v;

	asm volatile("ldxr %0, [%1]" : "=r" (v) : "r" (r->buffer + 1) : "memory");
	return v + 1;
#endif
	return r->arm + 1;
}

// Where an indirect branch must not land: behind the first instruction.
static noinline int kmore_bti(struct kmore_robot *r)
{
	int (*fn)(struct kmore_robot *) = (void *)kmore_nullmember + 8;

	OPTIMIZER_HIDE_VAR(fn);
	return fn(r) + 1;
}

static noinline int kmore_stackend(struct kmore_robot *r)
{
	*end_of_stack(current) = r->arm;
	schedule();
	return 1;
}

static noinline int kmore_atomic(struct kmore_robot *r)
{
	preempt_disable();
	msleep(r->arm);
	preempt_enable();
	return 1;
}

// A machine check or an NMI from outside ends this one.
static noinline int kmore_mce(struct kmore_robot *r)
{
	pr_emerg("waiting for the hardware\n");
	while (READ_ONCE(r->arm))
		cpu_relax();
	return 1;
}

static noinline int kmore_hardlockup(struct kmore_robot *r)
{
	local_irq_disable();
	while (READ_ONCE(r->arm))
		cpu_relax();
	local_irq_enable();
	return 1;
}

// ---- waiting: kmore_holder has everything and waits for what nobody does

static int kmore_holder(void *data)
{
	struct kmore_robot *r = data;

	mutex_lock(&r->arm_lock);
	down_write(&r->map_sem);
	down(&r->doors);
	percpu_down_write(&r->hot_sem);
	wait_for_completion(&r->parked);
	return 0;
}

static int kmore_wants_mutex(void *data)
{
	struct kmore_robot *r = data;

	mutex_lock(&r->arm_lock);
	r->arm++;
	mutex_unlock(&r->arm_lock);
	return 0;
}

static int kmore_wants_read(void *data)
{
	struct kmore_robot *r = data;

	down_read(&r->map_sem);
	r->arm++;
	up_read(&r->map_sem);
	return 0;
}

static int kmore_wants_write(void *data)
{
	struct kmore_robot *r = data;

	down_write(&r->map_sem);
	r->arm++;
	up_write(&r->map_sem);
	return 0;
}

static int kmore_wants_door(void *data)
{
	struct kmore_robot *r = data;

	down(&r->doors);
	r->arm++;
	up(&r->doors);
	return 0;
}

static int kmore_wants_hot(void *data)
{
	struct kmore_robot *r = data;

	percpu_down_read(&r->hot_sem);
	r->arm++;
	percpu_up_read(&r->hot_sem);
	return 0;
}

static int kmore_wants_idle(void *data)
{
	struct kmore_robot *r = data;

	wait_event(r->idle, !READ_ONCE(r->arm));
	return 0;
}

static int kmore_wants_bit(void *data)
{
	struct kmore_robot *r = data;

	return wait_on_bit(&r->flags, 3, TASK_UNINTERRUPTIBLE);
}

static void kmore_calibrate(struct work_struct *work)
{
	struct kmore_robot *r = container_of(work, struct kmore_robot, calibrate);

	down_read(&r->map_sem);
	r->arm++;
	up_read(&r->map_sem);
}

static int kmore_wants_work(void *data)
{
	struct kmore_robot *r = data;

	schedule_work(&r->calibrate);
	flush_work(&r->calibrate);
	return 0;
}

static noinline int kmore_waits(struct kmore_robot *r)
{
	set_bit(3, &r->flags);
	kthread_run(kmore_holder, r, "more_holder");
	msleep(200);
	kthread_run(kmore_wants_mutex, r, "more_mutex");
	kthread_run(kmore_wants_write, r, "more_write");
	msleep(50);
	kthread_run(kmore_wants_read, r, "more_read");
	kthread_run(kmore_wants_door, r, "more_door");
	kthread_run(kmore_wants_hot, r, "more_hot");
	kthread_run(kmore_wants_idle, r, "more_idle");
	kthread_run(kmore_wants_bit, r, "more_bit");
	kthread_run(kmore_wants_work, r, "more_work");
	mutex_lock(&r->arm_lock);
	mutex_unlock(&r->arm_lock);
	return 1;
}

static const struct { const char *name; int (*die)(struct kmore_robot *r); } kmore_modes[] = {
	{ "atomic", kmore_atomic }, { "badpage", kmore_badpage }, { "bti", kmore_bti }, { "cfi", kmore_cfi }, { "doublefault", kmore_doublefault }, { "doublefree", kmore_doublefree },
	{ "fortify", kmore_fortify }, { "hardlockup", kmore_hardlockup }, { "listadd", kmore_listadd }, { "mce", kmore_mce },
	{ "memcpy", kmore_memcpy }, { "modpercpu", kmore_modpercpu }, { "nullmember", kmore_nullmember }, { "nx", kmore_nx },
	{ "oob", kmore_oob }, { "redzone", kmore_redzone }, { "shift", kmore_shift }, { "stackend", kmore_stackend },
	{ "stackoob", kmore_stackoob }, { "uaf", kmore_uaf }, { "ubsan", kmore_ubsan }, { "unaligned", kmore_unaligned },
	{ "user", kmore_user }, { "usercopy", kmore_usercopy }, { "userjump", kmore_userjump }, { "vmfreed", kmore_vmfreed },
	{ "waits", kmore_waits },
};

static noinline int kmore_run(struct kmore_robot *r, const char *mode)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kmore_modes); i++) {
		if (sysfs_streq(mode, kmore_modes[i].name))
			return kmore_modes[i].die(r) + 1;
	}
	return -EINVAL;
}

static ssize_t kmore_write(struct file *f, const char __user *buf, size_t len, loff_t *pos)
{
	char mode[16] = "";
	int ret;

	if (len >= sizeof(mode) || copy_from_user(mode, buf, len))
		return -EINVAL;
	kmore_robot.user = buf;
	pr_emerg("dying of %s", mode);
	ret = kmore_run(&kmore_robot, mode);
	return ret < 0 ? ret : len;
}
static const struct proc_ops kmore_proc_ops = { .proc_write = kmore_write };

static int __init kmore_init(void)
{
	struct kmore_robot *r = &kmore_robot;

	INIT_LIST_HEAD(&r->tapes);
	mutex_init(&r->arm_lock);
	init_rwsem(&r->map_sem);
	sema_init(&r->doors, 1);
	init_completion(&r->parked);
	init_waitqueue_head(&r->idle);
	INIT_WORK(&r->calibrate, kmore_calibrate);
	// A region for user copies, so that the cache is merged with no other.
	kmore_cache = kmem_cache_create_usercopy("kmore_tape", sizeof(struct kmore_tape), 0, 0, 0, 8, NULL);
	r->journal = vzalloc(2 * PAGE_SIZE);
	r->buffer = kzalloc(8 * PAGE_SIZE, GFP_KERNEL);
	r->drive = kzalloc(sizeof(*r->drive), GFP_KERNEL);
	if (!kmore_cache || !r->journal || !r->buffer || !r->drive || percpu_init_rwsem(&r->hot_sem))
		return -ENOMEM;
	kmore_new_tape(0);		// stays, so that the cache keeps its slab
	r->tape = kmore_new_tape(1);
	proc_create("kdie_more", 0200, NULL, &kmore_proc_ops);
	pr_info("robot %px tape %px drive %px cache %px journal %px buffer %px size %zu\n", r, r->tape, r->drive, kmore_cache,
		r->journal, r->buffer, sizeof(*r->tape));
	return 0;
}
module_init(kmore_init);
MODULE_DESCRIPTION("more ways to die, for kanalyze's test dumps");
MODULE_LICENSE("GPL");
