/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The kernel log: which of its three forms this kernel has. */
#include <kanalyze/symbol.h>
#include "printk.h"

void ka_log_fault(struct ka_log_reader *r, struct ka_error *err)
{
	if (!err)
		return;
	ka_log(2, "log: %s", err->message);
	if (!r->fault_count++)
		r->err = err;
	else
		ka_error_free(err);
}

struct ka_error *ka_log_records(struct ka_kernel *k, struct ka_arena *a, struct ka_log_record **ret, size_t *ret_count)
{
	struct ka_log_reader r = { .k = k, .a = a };
	struct ka_error *err;
	struct ka_symbol s;

	*ret = NULL;
	*ret_count = 0;
	/* prb: 896fbe20b4e2, v5.10. log_first_idx: 7ff9554bb578, v3.5. Before: bytes in a ring. */
	if (ka_symbol_lookup(k, "prb", &s))
		err = ka_log_read_ring(&r);
	else if (ka_symbol_lookup(k, "log_first_idx", &s))
		err = ka_log_read_variable(&r);
	else if (ka_symbol_lookup(k, "log_end", &s))
		err = ka_log_read_plain(&r);
	else
		err = ka_error_new(KA_MISSING, "this kernel has none of the symbols prb, log_first_idx and log_end: "
				   "it was built without printk, its symbols are stripped, or its vmlinux is needed because "
				   "VMCOREINFO does not tell them");
	if (r.records.n) {
		*ret = ka_alloc(a, r.records.n * sizeof(**ret));
		memcpy(*ret, r.records.at, r.records.n * sizeof(**ret));
		*ret_count = r.records.n;
		ka_vec_free(&r.records);
	}
	if (err)
		ka_error_drop(r.err);
	else if (r.fault_count > 1)
		err = ka_error_wrap(r.err, "%zu records of the log are damaged, the first", r.fault_count);
	else
		err = r.err;
	return ka_error_wrap(err, "cannot read all of the kernel log");
}
