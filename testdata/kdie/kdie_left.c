// SPDX-License-Identifier: GPL-2.0
// kdie_left: a module that goes without tidying up. It leaves a slab cache behind whose
// name lies in its own memory, and in kdie a pointer to one of its functions.
#define pr_fmt(fmt) KBUILD_MODNAME ": " fmt
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "kdie.h"

static char kdie_left_name[] = "kdie_hash_info";
static struct kmem_cache *kdie_left_cache;

static noinline int kdie_left_flush(struct kdie_disk *disk)
{
	return disk ? 0 : -EINVAL;
}

// Up to 3.x kmem_cache_create() kept the caller's pointer; since then it copies the name. Put the
// pointer back: the member is found by what it points to, as the struct is no longer in a header.
static int kdie_left_own_name(struct kmem_cache *cache, const char *name)
{
	const char **member = (const char **)cache;
	unsigned int i;

	for (i = 0; i < 32; i++) {
		if (!virt_addr_valid(member[i]) || strcmp(member[i], name))
			continue;
		member[i] = name;
		return 0;
	}
	return -ENOENT;
}

static int __init kdie_left_init(void)
{
	int ret;

	// A region for user copies, so that the cache is merged with no other.
	kdie_left_cache = kmem_cache_create_usercopy(kdie_left_name, 72, 0, 0, 0, 8, NULL);
	if (!kdie_left_cache)
		return -ENOMEM;
	ret = kdie_left_own_name(kdie_left_cache, kdie_left_name);
	if (ret)
		return ret;
	kdie_set_flush(kdie_left_flush);
	pr_info("cache %px name %px flush %px\n", kdie_left_cache, kdie_left_name, kdie_left_flush);
	return 0;
}

static void __exit kdie_left_exit(void)
{
}
module_init(kdie_left_init);
module_exit(kdie_left_exit);
MODULE_DESCRIPTION("a module that leaves things behind, for kanalyze's test dumps");
MODULE_LICENSE("GPL");
