// SPDX-License-Identifier: GPL-2.0
// kdie: the ways to die. A word written to /proc/kdie chooses one; kdie_modes[] has them all.
// It plays a disk driver: kdie_write -> kdie_queue_io (kdie_submit ends in a jump), and one more for
// what is wrong there, so that every dump has a story of the same few structs.
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/delay.h>
#include <linux/err.h>
#include <linux/hrtimer.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rcupdate.h>
#include <linux/refcount.h>
#include <linux/slab.h>
#include <linux/smp.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/uaccess.h>
#include <linux/version.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>
#include "kdie.h"

struct kdie_queue;

struct kdie_ops {
	int (*submit)(struct kdie_queue *q, u64 sector);
	int (*kick)(struct kdie_queue *q);
};

// ops lies in the middle: there SLUB keeps its own pointer while an object is free.
struct kdie_queue {
	u64 depth;
	u64 limit;
	u64 done;
	struct list_head entry;
	const struct kdie_ops *ops;
	refcount_t users;
	u32 errors;
	u64 pad[4];
};

struct kdie_disk {
	char name[16];
	u64 sectors;
	u32 block_size;
	u32 stripe;			// 0, by which the mode "divide" divides
	struct kdie_queue *queue;
	kdie_flush_fn flush;
	struct mutex lock, meta_lock;
	spinlock_t hw_lock;
	u64 *table;			// vmalloc
	u64 __percpu *stats;
};

#ifdef CONFIG_ARM64
#define KDIE_INVALID ".inst 0"
#else
#define KDIE_INVALID "ud2"
#endif

static struct kdie_disk kdie_disk = { .name = "kdisk0", .sectors = 81920, .block_size = 512 };
static struct kmem_cache *kdie_cache;
static struct hrtimer kdie_hrtimer;
static struct timer_list kdie_timer;
static struct work_struct kdie_work;
static const u64 kdie_magic = 0x6b6469652d2d2d2dULL;

static noinline int kdie_do_submit(struct kdie_queue *q, u64 sector)
{
	q->done += sector;
	return 0;
}
static const struct kdie_ops kdie_ops = { .submit = kdie_do_submit };	// and no kick

void kdie_set_flush(kdie_flush_fn flush)
{
	kdie_disk.flush = flush;
}
EXPORT_SYMBOL_GPL(kdie_set_flush);

// ---- the ways to die; what follows a call keeps it from becoming a jump

static noinline int kdie_null(struct kdie_disk *disk)
{
	disk->queue = NULL;
	barrier();
	return disk->queue->ops->submit(disk->queue, 1) + 1;
}

static noinline int kdie_errptr(struct kdie_disk *disk)
{
	disk->queue = ERR_PTR(-ENOMEM);
	barrier();
	return disk->queue->done + 1;
}

static noinline int kdie_gpf(struct kdie_disk *disk)
{
	disk->queue = (struct kdie_queue *)0xdead4ead00000000ULL;
	barrier();
	return disk->queue->done + 1;
}

static noinline int kdie_bug(struct kdie_disk *disk)
{
	disk->queue->depth = disk->queue->limit + 1;
	barrier();
	BUG_ON(disk->queue->depth > disk->queue->limit);
	return 1;
}

static noinline int kdie_warn(struct kdie_disk *disk)
{
	WARN(disk->queue->errors < 7, "%s: only %u errors\n", disk->name, disk->queue->errors);
	return 1;
}

static noinline int kdie_panic(struct kdie_disk *disk)
{
	panic("kdie: %s has lost its %llu sectors", disk->name, disk->sectors);
	return 1;
}

static noinline int kdie_divide(struct kdie_disk *disk)
{
	return disk->sectors / READ_ONCE(disk->stripe) + 1;
}

static noinline int kdie_invalid(struct kdie_disk *disk)
{
	if (!READ_ONCE(disk->stripe))
		asm volatile(KDIE_INVALID);
	return disk->stripe + 1;
}

static noinline int kdie_list(struct kdie_disk *disk)
{
	struct list_head other;

	INIT_LIST_HEAD(&other);
	list_add(&disk->queue->entry, &other);
	list_del(&disk->queue->entry);
	barrier();
	list_del(&disk->queue->entry);
	return disk->queue->errors + 1;
}

static noinline int kdie_uaf(struct kdie_disk *disk)
{
	kmem_cache_free(kdie_cache, disk->queue);
	barrier();
	return disk->queue->ops->submit(disk->queue, 8) + 1;
}

static noinline int kdie_jumpnull(struct kdie_disk *disk)
{
	return disk->queue->ops->kick(disk->queue) + 1;
}

static noinline int kdie_jumpfreed(struct kdie_disk *disk)
{
	return disk->flush(disk) + 1;
}

static noinline int kdie_refcount(struct kdie_disk *disk)
{
	refcount_set(&disk->queue->users, 0);
	barrier();
	return refcount_dec_and_test(&disk->queue->users) + 1;
}

static noinline int kdie_stackprot(struct kdie_disk *disk)
{
	volatile char label[24];
	unsigned int i, n = sizeof(label) + 16 + disk->stripe;

	OPTIMIZER_HIDE_VAR(n);
	for (i = 0; i < n; i++)
		label[i] = 'x';
	return label[3];
}

static noinline int kdie_rodata(struct kdie_disk *disk)
{
	u64 *magic = (u64 *)&kdie_magic;

	OPTIMIZER_HIDE_VAR(magic);
	*magic = disk->sectors;
	return 1;
}

static noinline int kdie_vmguard(struct kdie_disk *disk)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < disk->sectors; i++)	// of a table of 1024
		sum += READ_ONCE(disk->table[i]);
	return sum + 1;
}

static noinline int kdie_percpu(struct kdie_disk *disk)
{
	return READ_ONCE(*(u64 __force *)disk->stats) + 1;
}

static noinline int kdie_recurse(struct kdie_disk *disk, int level)
{
	volatile char pad[200];

	if (READ_ONCE(disk->stripe))
		return level;
	pad[0] = level;
	pad[199] = kdie_recurse(disk, level + 1) + pad[0];
	return pad[199];
}

static noinline int kdie_overflow(struct kdie_disk *disk)
{
	return kdie_recurse(disk, 0) + 1;
}

static enum hrtimer_restart kdie_in_irq(struct hrtimer *t)
{
	kdie_null(&kdie_disk);
	return HRTIMER_NORESTART;
}

static noinline int kdie_irq(struct kdie_disk *disk)
{
#if LINUX_VERSION_CODE >= KERNEL_VERSION(6, 13, 0)	// hrtimer_setup() came, hrtimer_init() went
	hrtimer_setup(&kdie_hrtimer, kdie_in_irq, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
#else
	hrtimer_init(&kdie_hrtimer, CLOCK_MONOTONIC, HRTIMER_MODE_REL_HARD);
	kdie_hrtimer.function = kdie_in_irq;
#endif
	hrtimer_start(&kdie_hrtimer, ms_to_ktime(20), HRTIMER_MODE_REL_HARD);
	msleep(5000);
	return 1;
}

static void kdie_in_softirq(struct timer_list *t)
{
	panic("kdie: %s timed out", kdie_disk.name);
}

static noinline int kdie_softirq(struct kdie_disk *disk)
{
	timer_setup(&kdie_timer, kdie_in_softirq, 0);
	mod_timer(&kdie_timer, jiffies + 5);
	msleep(5000);
	return 1;
}

static void kdie_in_work(struct work_struct *work)
{
	kdie_bug(&kdie_disk);
}

static noinline int kdie_workqueue(struct kdie_disk *disk)
{
	INIT_WORK(&kdie_work, kdie_in_work);
	schedule_work(&kdie_work);
	msleep(5000);
	return 1;
}

static noinline int kdie_softlockup(struct kdie_disk *disk)
{
	preempt_disable();
	while (!READ_ONCE(disk->stripe))
		cpu_relax();
	preempt_enable();
	return 1;
}

static noinline int kdie_spinlock(struct kdie_disk *disk)
{
	spin_lock(&disk->hw_lock);
	disk->sectors++;
	spin_lock(&disk->hw_lock);
	return 1;
}

static noinline int kdie_rcu(struct kdie_disk *disk)
{
	rcu_read_lock();
	while (!READ_ONCE(disk->stripe))
		cpu_relax();
	rcu_read_unlock();
	return 1;
}

// The NMI that ends these two comes from outside.
static noinline int kdie_nmi(struct kdie_disk *disk)
{
	local_irq_disable();
	pr_emerg("waiting for an NMI\n");
	while (!READ_ONCE(disk->stripe))
		cpu_relax();
	local_irq_enable();
	return 1;
}

static void kdie_spin(void *data)
{
	struct kdie_disk *disk = data;

	while (!READ_ONCE(disk->stripe))
		cpu_relax();
}

static noinline int kdie_allnmi(struct kdie_disk *disk)
{
	smp_call_function(kdie_spin, disk, 0);
	return kdie_nmi(disk);
}

static int kdie_meta_thread(void *data)
{
	struct kdie_disk *disk = data;

	mutex_lock(&disk->meta_lock);
	msleep(200);
	mutex_lock(&disk->lock);
	disk->sectors++;
	mutex_unlock(&disk->lock);
	mutex_unlock(&disk->meta_lock);
	return 0;
}

static noinline int kdie_deadlock(struct kdie_disk *disk)
{
	kthread_run(kdie_meta_thread, disk, "kdie_meta");
	mutex_lock(&disk->lock);
	msleep(200);
	mutex_lock(&disk->meta_lock);
	disk->sectors--;
	mutex_unlock(&disk->meta_lock);
	mutex_unlock(&disk->lock);
	return 1;
}

static const struct { const char *name; int (*die)(struct kdie_disk *disk); } kdie_modes[] = {
	{ "allnmi", kdie_allnmi }, { "bug", kdie_bug }, { "deadlock", kdie_deadlock }, { "divide", kdie_divide },
	{ "errptr", kdie_errptr }, { "gpf", kdie_gpf }, { "invalid", kdie_invalid }, { "irq", kdie_irq },
	{ "jumpfreed", kdie_jumpfreed }, { "jumpnull", kdie_jumpnull }, { "list", kdie_list }, { "nmi", kdie_nmi },
	{ "nullptr", kdie_null }, { "overflow", kdie_overflow }, { "panic", kdie_panic }, { "percpu", kdie_percpu },
	{ "rcu", kdie_rcu }, { "refcount", kdie_refcount }, { "rodata", kdie_rodata },
	{ "softirq", kdie_softirq }, { "softlockup", kdie_softlockup }, { "spinlock", kdie_spinlock },
	{ "stackprot", kdie_stackprot }, { "uaf", kdie_uaf }, { "vmguard", kdie_vmguard }, { "warn", kdie_warn },
	{ "workqueue", kdie_workqueue },
};

static noinline int kdie_queue_io(struct kdie_disk *disk, const char *mode)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(kdie_modes); i++) {
		if (sysfs_streq(mode, kdie_modes[i].name))
			return kdie_modes[i].die(disk) + 1;
	}
	return -EINVAL;
}

static noinline int kdie_submit(struct kdie_disk *disk, const char *mode)
{
	int ret = disk->queue->ops->submit(disk->queue, 1);

	return ret ? ret : kdie_queue_io(disk, mode);
}

static ssize_t kdie_write(struct file *f, const char __user *buf, size_t len, loff_t *pos)
{
	char mode[16] = "";
	int ret;

	if (len >= sizeof(mode) || copy_from_user(mode, buf, len))
		return -EINVAL;
	pr_emerg("dying of %s", mode);
	ret = kdie_submit(&kdie_disk, mode);
	return ret < 0 ? ret : len;
}
static const struct proc_ops kdie_proc_ops = { .proc_write = kdie_write };

static int __init kdie_init(void)
{
	struct kdie_disk *d = &kdie_disk;
	struct kdie_queue *q, *first;

	mutex_init(&d->lock);
	mutex_init(&d->meta_lock);
	spin_lock_init(&d->hw_lock);
	// A region for user copies, so that the cache is merged with no other.
	kdie_cache = kmem_cache_create_usercopy("kdie_queue", sizeof(*q), 0, 0, 0, 8, NULL);
	d->table = vzalloc(1024 * sizeof(u64));
	d->stats = alloc_percpu(u64);
	if (!kdie_cache || !d->table || !d->stats)
		return -ENOMEM;
	// The first stays, so that the cache keeps its slab.
	first = kmem_cache_zalloc(kdie_cache, GFP_KERNEL | __GFP_NOFAIL);
	first->ops = &kdie_ops;
	q = kmem_cache_zalloc(kdie_cache, GFP_KERNEL | __GFP_NOFAIL);
	q->limit = 128;
	q->ops = &kdie_ops;
	refcount_set(&q->users, 1);
	INIT_LIST_HEAD(&q->entry);
	d->queue = q;
	proc_create("kdie", 0200, NULL, &kdie_proc_ops);
	pr_info("disk %px queue %px first %px cache %px table %px stats %px size %zu\n", d, q, first, kdie_cache,
		d->table, d->stats, sizeof(*q));
	return 0;
}
module_init(kdie_init);
MODULE_DESCRIPTION("the ways to die, for kanalyze's test dumps");
MODULE_LICENSE("GPL");
