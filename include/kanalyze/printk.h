/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel log of the dump: printk ring buffer (5.10+), record buffer (3.5-5.9), plain buffer (before). */
#ifndef KANALYZE_PRINTK_H
#define KANALYZE_PRINTK_H

#include <kanalyze/memory.h>

struct ka_log_record {
	uint64_t seq;
	uint64_t time_ns;
	bool has_time;		/* the plain buffer has none of its own */
	uint8_t level, facility, flags;
	bool has_level;		/* lines of the plain buffer may lack one */
	bool is_continued;	/* goes on the line of the record before (LOG_CONT, while dmesg still joined such: before v4.10) */
	uint32_t caller;	/* task id, or 0x80000000 + CPU */
	bool has_caller;
	const char *comm;	/* of the caller, NULL: not kept */
	const char *text;	/* may hold several lines; not terminated by a line break; bytes as they were */
	size_t text_size;
	const char *dict;	/* "SUBSYSTEM=pci\nDEVICE=+pci:..." or NULL */
	size_t dict_size;
};

/* Oldest first, all in the arena. What could not be read is an error beside the records that could. */
struct ka_error *ka_log_records(struct ka_kernel *k, struct ka_arena *a, struct ka_log_record **ret, size_t *ret_count) KA_MUST_CHECK;

/* A per-CPU buffer that held messages printed where the log itself could not be written (v4.6 - v5.14). */
struct ka_log_safe_buffer {
	const char *name;	/* "nmi_print_seq" or "safe_print_seq" */
	unsigned cpu;
	ka_addr addr;
	uint32_t size, lost;	/* bytes not yet flushed; messages that found no room */
	const char *text;	/* as it lies there: with KERN_SOH bytes before lines */
};
/* None, and no error, on kernels without them. */
struct ka_error *ka_log_safe_buffers(struct ka_kernel *k, struct ka_arena *a, struct ka_log_safe_buffer **ret,
				     size_t *ret_count) KA_MUST_CHECK;

/* Audit records that no daemon has taken yet. */
struct ka_audit_record {
	const char *queue;	/* "audit_queue" ... */
	ka_addr skb;
	uint16_t type;
	const char *text;
	size_t text_size;
};
struct ka_error *ka_audit_records(struct ka_kernel *k, struct ka_arena *a, struct ka_audit_record **ret, size_t *ret_count) KA_MUST_CHECK;

#endif
