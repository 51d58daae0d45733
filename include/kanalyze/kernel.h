/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening a session: which files, with what the user forces. */
#ifndef KANALYZE_KERNEL_H
#define KANALYZE_KERNEL_H

#include <kanalyze/memory.h>

struct ka_open_options {
	const char *const *paths;	/* dump parts and vmlinux in any order, told apart by content; NULL-terminated */
	const char *const *debug_dirs;	/* --debug-dir, NULL-terminated; NULL: none */
	bool is_forced;			/* --force: vmlinux and dump need not belong together */
	bool is_zero_excluded;		/* --zero-excluded: excluded pages read as zero */
	bool is_minimal;		/* no vmlinux: symbols and types as far as VMCOREINFO tells them */
	bool has_no_cache;		/* --no-cache: no index of names is read from a file or kept in one */
	bool has_phys_base, has_kaslr;	/* --phys-base, --kaslr */
	uint64_t phys_base, kaslr;
	const char *const *machine;	/* -m: "NAME=VALUE", what the architecture is told whatever the dump says; NULL-terminated; NULL: none */
	uint64_t cache_bytes;		/* of the page cache; 0: default */
};

/*
 * Opens a dump. Nothing is parsed that is not needed: headers, VMCOREINFO, the ELF headers of vmlinux.
 * Errors: KA_FORMAT/KA_TRUNCATED (not a dump), KA_NOT_FOUND (no vmlinux: tells what was tried),
 * KA_USAGE (vmlinux and dump do not belong together, too many files).
 */
struct ka_error *ka_kernel_open(const struct ka_open_options *o, struct ka_kernel **ret) KA_MUST_CHECK;
void ka_kernel_close(struct ka_kernel *k);
/* From now on excluded pages read as zeros, or fail again. Pages read before keep what they were. */
void ka_kernel_set_zero_excluded(struct ka_kernel *k, bool is_on);
/* How many reads gave zeros so far, for memory that is not in the dump. */
uint64_t ka_kernel_zeroed(struct ka_kernel *k);
/* Bytes of the cache for pages of compressed dumps; it begins anew. */
void ka_kernel_set_cache_size(struct ka_kernel *k, uint64_t bytes);
/* What a dump says of its kernel. Strings are the caller's (free); NULL: it does not say. */
struct ka_dump_identity {
	char *release;		/* "6.1.0-50-amd64": OSRELEASE of VMCOREINFO, else of the dump's header */
	char *build_id;		/* hex: BUILD-ID of VMCOREINFO */
	bool has_vmcoreinfo;
};
/* Reads the dump's headers alone: no vmlinux is needed, and none of the architecture. Errors as of ka_kernel_open. */
struct ka_error *ka_dump_identity(const struct ka_open_options *o, struct ka_dump_identity *ret) KA_MUST_CHECK;
/* What is wrong with the dump but did not stop the opening, one a line; NULL: nothing. Lives as long as the kernel. */
const char *ka_kernel_warning(struct ka_kernel *k);
/*
 * When structs of the kernel were met on pages that makedumpfile left out, and should not have: what the next dump has to be
 * written with. NULL: none was met so far.
 */
struct ka_error *ka_kernel_loss(struct ka_kernel *k);

#endif
