/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages printed where the log could not be written, in per-CPU buffers: 42a0bb3f7138 (v4.7) to 93d102f094be (v5.15). */
#include <inttypes.h>
#include <kanalyze/printk.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>
#include <kanalyze/view.h>

#define SAFE_BYTES_MAX (1u << 20)	/* 1 << CONFIG_PRINTK_SAFE_LOG_BUF_SHIFT: at most 17 */

struct safe_seq_buf {
	uint32_t len, lost;
	ka_addr buffer;
	uint64_t buffer_size;
};
KA_VIEW(safe_seq_buf, ("printk_safe_seq_buf", "nmi_seq_buf"),	/* f92bac3b141b, v4.11 */
	KA_FROM(safe_seq_buf, len, "len.counter"),
	KA_MAYBE(safe_seq_buf, lost, "message_lost.counter"),	/* ddb9baa82226, v4.11 */
	KA_AT(safe_seq_buf, buffer, "buffer"),
	KA_SIZE(safe_seq_buf, buffer_size, "buffer"));

static struct ka_error *read_one(struct ka_kernel *k, struct ka_arena *a, const char *name, unsigned cpu,
				 struct ka_log_safe_buffer *ret)
{
	struct safe_seq_buf b;
	struct ka_error *err;
	char *text;

	*ret = (struct ka_log_safe_buffer){ .name = name, .cpu = cpu, .text = "" };
	err = ka_percpu_addr(k, name, cpu, &ret->addr);
	if (!err)
		err = ka_view_read(k, &ka_view_safe_seq_buf, ret->addr, &b);
	if (err)
		return ka_error_wrap(err, "%s of CPU %u", name, cpu);
	ret->lost = b.lost;
	ret->size = KA_MIN(b.len, KA_MIN(b.buffer_size, SAFE_BYTES_MAX));
	text = ka_alloc(a, ret->size + 1);
	ret->size = ka_read_some(k, b.buffer, text, ret->size, &err);
	ret->text = text;
	return ka_error_wrap(err, "%s of CPU %u", name, cpu);
}

struct ka_error *ka_log_safe_buffers(struct ka_kernel *k, struct ka_arena *a, struct ka_log_safe_buffer **ret,
				     size_t *ret_count)
{
	static const char *const names[] = { "nmi_print_seq", "safe_print_seq" };
	unsigned cpus;
	struct ka_error *first = NULL;
	struct ka_symbol s;
	size_t n = 0;

	*ret = NULL;
	*ret_count = 0;
	if (!ka_symbol_lookup(k, names[0], &s) && !ka_symbol_lookup(k, names[1], &s))
		return NULL;
	/* In 4.1: a seq_buf of x86 for backtraces of all CPUs, which prints it itself */
	if (ka_type_has(k, "nmi_seq_buf", "seq"))
		return NULL;
	cpus = ka_cpu_count(k);
	*ret = ka_alloc(a, KA_COUNT(names) * (cpus + 1) * sizeof(**ret));
	for (size_t i = 0; i < KA_COUNT(names); i++) {
		if (!ka_symbol_lookup(k, names[i], &s))
			continue;
		for (unsigned cpu = 0; cpu < cpus; cpu++) {
			struct ka_error *err = read_one(k, a, names[i], cpu, &(*ret)[n]);

			n += (*ret)[n].addr != 0;
			if (first)
				ka_error_drop(err);
			else
				first = err;
		}
	}
	*ret_count = n;
	return first;
}
