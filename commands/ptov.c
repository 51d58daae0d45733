/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ptov: physical addresses to virtual ones, and offsets into the per-CPU areas to addresses. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/expr.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/translate.h>

struct ptov_row {
	ka_addr virtual, physical;
};
KA_ROWS(ptov_row, "addresses", "VIRTUAL           PHYSICAL", "{virtual:<16}  {physical}",
	KA_COL(ptov_row, virtual, KA_ADDR, "address in the direct map"),
	KA_COL(ptov_row, physical, KA_ADDR, "the physical address"));

struct ptov_percpu {
	ka_addr offset, virtual;
	uint32_t cpu;
};
KA_LINES(ptov_percpu, "percpu", "  [{cpu}]  {virtual}",
	KA_COLF(ptov_percpu, offset, KA_ADDR, KA_ONLY_JSON, "offset into the per-CPU area"),
	KA_COL(ptov_percpu, cpu, KA_UINT, "CPU"),
	KA_COL(ptov_percpu, virtual, KA_ADDR, "address of that CPU's copy"));

static struct ka_error *percpu(struct ka_call *c, const char *text, size_t name_len, const char *cpu_text)
{
	unsigned count = ka_cpu_count(c->k);
	bool *cpus = ka_alloc(c->arena, (count + 1) * sizeof(*cpus));
	char *name = ka_strndup(c->arena, text, name_len);
	struct ptov_percpu row = {0};
	struct ka_symbol s;
	struct ka_task t;
	struct ka_error *err = NULL;

	if (*cpu_text) {
		err = ka_parse_cpus(cpu_text, cpus, count);
	} else {
		/* crash: that of the context */
		err = ka_task_read(c->k, ka_call_task(c), &t);
		if (!err && t.cpu < count)
			cpus[t.cpu] = true;
	}
	if (err)
		return err;
	if (!ka_error_drop(ka_symbol_find(c->k, name, &s))) {
		if (!s.is_percpu)
			return ka_error_new(KA_USAGE, "'%s' is no per-CPU variable", name);
		row.offset = s.addr;
	} else {
		err = ka_expr_number(c->k, name, KA_EXPR_HEX | KA_EXPR_ADDRESSES, &row.offset);
		if (err)
			return ka_error_wrap(err, "'%s' is neither a per-CPU variable nor an offset", name);
	}
	ka_out_note(c->out, "PER-CPU OFFSET: %" PRIx64, row.offset);
	ka_out_note(c->out, "  CPU    VIRTUAL");
	for (row.cpu = 0; row.cpu < count; row.cpu++) {
		uint64_t base;

		if (!cpus[row.cpu])
			continue;
		err = ka_percpu_offset(c->k, row.cpu, &base);
		if (err) {
			ka_call_fault(c, ka_error_wrap(err, "CPU %u", row.cpu));
			continue;
		}
		row.virtual = row.offset + base;
		ka_out_row(c->out, &ka_rows_ptov_percpu, &row);
	}
	return NULL;
}

static struct ka_error *one(struct ka_call *c, const char *text)
{
	const char *colon = strrchr(text, ':');
	struct ptov_row row;
	struct ka_error *err;

	/* "?:" of an expression is no list of CPUs */
	if (colon && !strchr(text, '?'))
		return percpu(c, text, (size_t)(colon - text), colon + 1);
	err = ka_expr_number(NULL, text, KA_EXPR_HEX, &row.physical);
	if (err)
		return ka_error_wrap(err, "'%s' is no physical address", text);
	err = ka_phys_to_virt(c->k, (ka_phys){ row.physical }, &row.virtual);
	if (err)
		return err;
	ka_out_new_table(c->out);
	ka_out_row(c->out, &ka_rows_ptov_row, &row);
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	if (!c->argc)
		return ka_call_usage(c, "ptov needs an address, or OFFSET:CPUS");
	for (int i = 0; i < c->argc; i++) {
		if (i)
			ka_out_note(c->out, "\n");
		ka_call_fault(c, one(c, c->argv[i]));
	}
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_ptov_row, &ka_rows_ptov_percpu, NULL };

const struct ka_command ka_command_ptov = {
	.name = "ptov",
	.args = "[ADDRESS | OFFSET:CPUS | VARIABLE:CPUS]...",
	.brief = "physical to virtual address",
	.help =
		"Where the direct map has each physical address. Numbers are hexadecimal, with 0x or\n"
		"without.\n"
		"\n"
		"An offset into the per-CPU area, or the name of a per-CPU variable, with CPUs behind a\n"
		"colon gives the address of each CPU's copy: CPUs are a list such as 1,3-5, a for all,\n"
		"nothing for that of the current task.\n"
		"\n"
		"    ptov 56e000\n"
		"    ptov b0c0:a\n"
		"    ptov runqueues:0\n",
	.needs = KA_NUMBER_ARGS,
	.rows = rows,
	.run = run,
};
