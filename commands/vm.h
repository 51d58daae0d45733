/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of vm share. */
#ifndef KA_COMMANDS_VM_H
#define KA_COMMANDS_VM_H

#include <kanalyze/rss.h>
#include "print.h"

/* vm_struct.c: -m, as a tree (JSON) and as text, which goes out at once; -v, one area. */
struct ka_error *ka_vm_mm_tree(struct ka_call *c, ka_addr mm, const struct ka_print *how, const struct ka_node **ret) KA_MUST_CHECK;
struct ka_error *ka_vm_mm_put(struct ka_call *c, ka_addr mm, const struct ka_print *how) KA_MUST_CHECK;
struct ka_error *ka_vm_area_put(struct ka_call *c, ka_addr vma, const struct ka_print *how) KA_MUST_CHECK;
extern const struct ka_rows ka_vm_struct_rows;

/* vm_rss.c: --rss. */
struct ka_error *ka_vm_rss_put(struct ka_call *c, ka_addr pgd, const struct ka_vma *v, const char *path, struct ka_rss *sum) KA_MUST_CHECK;
void ka_vm_rss_total(struct ka_call *c, uint64_t size, const struct ka_rss *sum);
extern const struct ka_rows ka_vm_rss_rows, ka_vm_total_rows;

#endif
