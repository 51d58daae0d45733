// SPDX-License-Identifier: GPL-2.0
// ktgt: a storage target that only pretends. Its kthreads finish commands for
// sessions on devices; one write to /proc/ktgt_inject makes a command lose its
// device, and the thread that finishes it dies of a NULL dereference.
// Besides it holds lists, trees and counters of known content, which /proc/ktgt
// describes with their addresses.
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/delay.h>
#include <linux/hashtable.h>
#include <linux/kthread.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/percpu.h>
#include <linux/proc_fs.h>
#include <linux/rbtree.h>
#include <linux/seq_file.h>
#include <linux/slab.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>
#include <linux/workqueue.h>
#include <linux/xarray.h>

#define KTGT_THREADS	2
#define KTGT_DEVS	3
#define KTGT_CMDS	24
#define KTGT_LAT_BINS	32

enum ktgt_state { KTGT_NEW, KTGT_RUNNING, KTGT_DONE = 4, KTGT_LOST = -1 };

struct ktgt_lat { u64 reads, writes; };

struct ktgt_dev {
	char name[32];
	u32 block_size;
	u32 flags;
	u64 blocks;
	struct ktgt_lat lat[KTGT_LAT_BINS];
	u64 done;
	u64 bytes;
	bool vdev_update_lat_stats;
	bool vdev_read_only;
	struct list_head entry;
	struct list_head cmds;
};
// The oops of the bundle reads this very offset; keep it.
static_assert(offsetof(struct ktgt_dev, vdev_update_lat_stats) == 0x240);

union ktgt_cdb { u8 bytes[16]; struct { u8 op, flags; u16 control; u32 lba; } rw; };

struct ktgt_cmd {
	u64 tag;
	struct ktgt_dev *dev;
	enum ktgt_state state;
	unsigned int is_write : 1, queue : 7, retries : 4;
	int sense : 12;
	union ktgt_cdb cdb;
	u64 start_ns;
	struct list_head entry;		// in ktgt_dev.cmds
	struct rb_node node;		// in ktgt_tgt.by_tag
	struct hlist_node hash;		// in ktgt_tgt.by_hash
	struct ktgt_cmd *next_done;	// chain from ktgt_tgt.done
	void (*complete)(struct ktgt_cmd *cmd);
	struct { int x, y; };
};

struct ktgt_tgt {
	char name[16];
	u64 magic;
	struct list_head devs;
	struct rb_root by_tag;
	DECLARE_HASHTABLE(by_hash, 3);
	struct xarray by_index;
	struct ktgt_cmd *done;
	struct ktgt_cmd *injected;
	struct mutex flush_lock;
	wait_queue_head_t wait;
	struct timer_list watchdog;
	struct delayed_work scrub;
	struct kmem_cache *cache;
	struct task_struct *threads[KTGT_THREADS];
	struct task_struct *flusher;
	void *buffer;
	u64 __percpu *finished;
};

static struct ktgt_tgt ktgt_tgt = { .name = "ktgt0", .magic = 0x6b7467742d746774ULL };
static DEFINE_PER_CPU(u64, ktgt_cookie);
static const char * const ktgt_state_names[] = { "new", "running", [KTGT_DONE] = "done" };

static void ktgt_complete(struct ktgt_cmd *cmd)
{
	cmd->state = KTGT_DONE;
}

// The chain of the story. Each function does something after its call, so that
// none becomes a jump and every frame is there.
static noinline void ktgt_update_lat_stats(struct ktgt_cmd *cmd)
{
	if (cmd->dev->vdev_update_lat_stats) {
		struct ktgt_lat *lat = &cmd->dev->lat[cmd->tag % KTGT_LAT_BINS];

		if (cmd->is_write)
			lat->writes++;
		else
			lat->reads++;
	}
}

static noinline int ktgt_finish_cmd(struct ktgt_cmd *cmd)
{
	this_cpu_inc(*ktgt_tgt.finished);
	ktgt_update_lat_stats(cmd);
	cmd->complete(cmd);
	return cmd->state == KTGT_DONE ? 0 : -EIO;
}

static noinline int ktgt_process_cmd(struct ktgt_tgt *tgt, struct ktgt_cmd *cmd)
{
	int ret;

	cmd->state = KTGT_RUNNING;
	cmd->start_ns = ktime_get_ns();
	ret = ktgt_finish_cmd(cmd);
	if (!ret) {
		cmd->next_done = tgt->done;
		tgt->done = cmd;
	}
	return ret;
}

static noinline int ktgt_cmd_thread(void *arg)
{
	struct ktgt_tgt *tgt = arg;
	struct ktgt_cmd *cmd;

	while (!kthread_should_stop()) {
		wait_event_interruptible(tgt->wait, READ_ONCE(tgt->injected) || kthread_should_stop());
		cmd = xchg(&tgt->injected, NULL);
		if (cmd && ktgt_process_cmd(tgt, cmd))
			pr_warn("command %llu failed\n", cmd->tag);
	}
	return 0;
}

// Takes the lock and never lets go: whoever reads /proc/ktgt_flush waits in D.
static int ktgt_flush_thread(void *arg)
{
	struct ktgt_tgt *tgt = arg;

	mutex_lock(&tgt->flush_lock);
	while (!kthread_should_stop()) {
		set_current_state(TASK_UNINTERRUPTIBLE);
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	mutex_unlock(&tgt->flush_lock);
	return 0;
}

static int ktgt_flush_show(struct seq_file *m, void *v)
{
	mutex_lock(&ktgt_tgt.flush_lock);
	seq_puts(m, "flushed\n");
	mutex_unlock(&ktgt_tgt.flush_lock);
	return 0;
}

static int ktgt_show(struct seq_file *m, void *v)
{
	struct ktgt_tgt *t = &ktgt_tgt;
	struct ktgt_dev *dev;
	struct ktgt_cmd *cmd;
	int cpu;

	seq_printf(m, "tgt %px magic %llx devs %px by_tag %px by_hash %px by_index %px done %px\n",
		   t, t->magic, &t->devs, &t->by_tag, t->by_hash, &t->by_index, &t->done);
	seq_printf(m, "cache %px watchdog %px scrub %px flush_lock %px buffer %px finished %px\n",
		   t->cache, &t->watchdog, &t->scrub, &t->flush_lock, t->buffer, t->finished);
	seq_printf(m, "sizes tgt %zu dev %zu cmd %zu\n", sizeof(*t), sizeof(*dev), sizeof(*cmd));
	seq_printf(m, "flusher %px pid %d\n", t->flusher, t->flusher->pid);
	for (cpu = 0; cpu < KTGT_THREADS; cpu++)
		seq_printf(m, "thread %px pid %d comm %s\n", t->threads[cpu], t->threads[cpu]->pid,
			   t->threads[cpu]->comm);
	for_each_online_cpu(cpu)
		seq_printf(m, "cpu %d cookie %px = %llx finished %px = %llu\n", cpu,
			   &per_cpu(ktgt_cookie, cpu), per_cpu(ktgt_cookie, cpu),
			   per_cpu_ptr(t->finished, cpu), *per_cpu_ptr(t->finished, cpu));
	list_for_each_entry(dev, &t->devs, entry) {
		seq_printf(m, "dev %px name %s blocks %llu\n", dev, dev->name, dev->blocks);
		list_for_each_entry(cmd, &dev->cmds, entry)
			seq_printf(m, "cmd %px tag %llu state %s queue %u sense %d op %#x\n", cmd, cmd->tag,
				   ktgt_state_names[cmd->state], cmd->queue, cmd->sense, cmd->cdb.rw.op);
	}
	return 0;
}

static struct ktgt_cmd *ktgt_new_cmd(struct ktgt_tgt *tgt, struct ktgt_dev *dev, u64 tag)
{
	struct rb_node **link = &tgt->by_tag.rb_node, *parent = NULL;
	struct ktgt_cmd *cmd = kmem_cache_zalloc(tgt->cache, GFP_KERNEL | __GFP_NOFAIL);

	cmd->tag = tag;
	cmd->dev = dev;
	cmd->is_write = tag & 1;
	cmd->queue = tag * 5;
	cmd->sense = -(int)tag;
	cmd->cdb.rw.op = cmd->is_write ? 0x2a : 0x28;
	cmd->cdb.rw.lba = tag << 8;
	cmd->complete = ktgt_complete;
	cmd->x = tag;
	cmd->y = -(int)tag;
	if (!dev)
		return cmd;
	list_add_tail(&cmd->entry, &dev->cmds);
	while (*link) {
		parent = *link;
		link = tag < rb_entry(parent, struct ktgt_cmd, node)->tag ? &parent->rb_left : &parent->rb_right;
	}
	rb_link_node(&cmd->node, parent, link);
	rb_insert_color(&cmd->node, &tgt->by_tag);
	hash_add(tgt->by_hash, &cmd->hash, tag);
	xa_store(&tgt->by_index, tag * 7, cmd, GFP_KERNEL);
	if (tag % 3 == 0)
		ktgt_process_cmd(tgt, cmd);
	return cmd;
}

static ssize_t ktgt_inject(struct file *f, const char __user *buf, size_t len, loff_t *pos)
{
	struct ktgt_cmd *cmd = ktgt_new_cmd(&ktgt_tgt, NULL, 4711);

	pr_info("command %llu at %px lost its device\n", cmd->tag, cmd);
	WRITE_ONCE(ktgt_tgt.injected, cmd);
	wake_up(&ktgt_tgt.wait);
	msleep(5000);
	return len;
}

static const struct proc_ops ktgt_inject_ops = { .proc_write = ktgt_inject };
static void ktgt_watchdog(struct timer_list *t) { }
static void ktgt_scrub(struct work_struct *w) { }

static int __init ktgt_init(void)
{
	struct ktgt_tgt *t = &ktgt_tgt;
	struct ktgt_dev *dev;
	int i, cpu;

	INIT_LIST_HEAD(&t->devs);
	t->by_tag = RB_ROOT;
	hash_init(t->by_hash);
	xa_init(&t->by_index);
	mutex_init(&t->flush_lock);
	init_waitqueue_head(&t->wait);
	t->cache = kmem_cache_create("ktgt_cmd", sizeof(struct ktgt_cmd), 0, SLAB_HWCACHE_ALIGN, NULL);
	t->finished = alloc_percpu(u64);
	t->buffer = vzalloc(5 * PAGE_SIZE);
	if (!t->cache || !t->finished || !t->buffer)
		return -ENOMEM;
	strscpy(t->buffer, "ktgt buffer, first of five pages", PAGE_SIZE);
	for_each_possible_cpu(cpu)
		per_cpu(ktgt_cookie, cpu) = 0xc00c1e00 + cpu;
	for (i = 0; i < KTGT_DEVS; i++) {
		dev = kzalloc(sizeof(*dev), GFP_KERNEL | __GFP_NOFAIL);
		snprintf(dev->name, sizeof(dev->name), "vdisk%d", i);
		dev->block_size = 512 << i;
		dev->blocks = 1000 * (i + 1);
		dev->vdev_update_lat_stats = true;
		INIT_LIST_HEAD(&dev->cmds);
		list_add_tail(&dev->entry, &t->devs);
	}
	for (i = 0; i < KTGT_CMDS; ) {
		list_for_each_entry(dev, &t->devs, entry)
			ktgt_new_cmd(t, dev, ++i);
	}
	timer_setup(&t->watchdog, ktgt_watchdog, 0);
	mod_timer(&t->watchdog, jiffies + 36000 * HZ);
	INIT_DELAYED_WORK(&t->scrub, ktgt_scrub);
	schedule_delayed_work(&t->scrub, 40000 * HZ);
	t->flusher = kthread_run(ktgt_flush_thread, t, "ktgt_flush");
	for (i = 0; i < KTGT_THREADS; i++)
		t->threads[i] = kthread_run(ktgt_cmd_thread, t, "ktgt0_%d", i);
	proc_create_single("ktgt", 0400, NULL, ktgt_show);
	proc_create_single("ktgt_flush", 0400, NULL, ktgt_flush_show);
	proc_create("ktgt_inject", 0200, NULL, &ktgt_inject_ops);
	pr_info("target %s with %d devices at %px\n", t->name, KTGT_DEVS, t);
	return 0;
}
module_init(ktgt_init);
MODULE_DESCRIPTION("pretended storage target for kanalyze's test dumps");
MODULE_VERSION("1.0");
MODULE_LICENSE("GPL");
