/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the readers of the kernel log share. */
#ifndef KA_MODEL_PRINTK_H
#define KA_MODEL_PRINTK_H

#include <kanalyze/printk.h>

/* enum log_flags of kernel/printk/internal.h (3.5: kernel/printk.c); the values never changed. */
enum { KA_LOG_NEWLINE = 2, KA_LOG_PREFIX = 4, KA_LOG_CONT = 8 };

/* Records as they are found, and what went wrong with the others. */
struct ka_log_reader {
	struct ka_kernel *k;
	struct ka_arena *a;
	struct { KA_VEC(struct ka_log_record); } records;
	struct ka_error *err;		/* the first fault */
	size_t fault_count;
};

/* A fault that costs one record. Takes err. */
void ka_log_fault(struct ka_log_reader *r, struct ka_error *err);
/* Each fills r->records; the error says that there is no log to be read at all. */
struct ka_error *ka_log_read_ring(struct ka_log_reader *r) KA_MUST_CHECK;
struct ka_error *ka_log_read_variable(struct ka_log_reader *r) KA_MUST_CHECK;
struct ka_error *ka_log_read_plain(struct ka_log_reader *r) KA_MUST_CHECK;

#endif
