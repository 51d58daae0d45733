/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* p: the value of an expression. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/variable.h>
#include "print.h"

struct p_row {
	const char *expression, *text, *type;
	uint32_t number, cpu;
	ka_addr address;
	bool has_address, has_cpu;
	const struct ka_node *value;
};
KA_LINES(p_row, "values", "{text}",
	KA_COL(p_row, expression, KA_TEXT, "as given"),
	{ "cpu", offsetof(struct p_row, cpu), 4, KA_UINT, KA_ONLY_JSON, offsetof(struct p_row, has_cpu), NULL, "of SYMBOL:CPUS: the CPU" },
	KA_COLF(p_row, number, KA_UINT, KA_ONLY_JSON, "the value is $NUMBER from now on"),
	KA_COLF(p_row, type, KA_TEXT, KA_ONLY_JSON, "its type"),
	{ "address", offsetof(struct p_row, address), 8, KA_ADDR, KA_ONLY_JSON, offsetof(struct p_row, has_address), NULL, "where it lies" },
	KA_COLF(p_row, value, KA_VALUE, KA_ONLY_JSON, "the value: a number, an address, a string, or its parts"),
	KA_COLF(p_row, text, KA_TEXT, KA_ONLY_TEXT, "the same as gdb writes it"));

struct percpu_row {
	uint32_t cpu;
	ka_addr address;
};
KA_LINES(percpu_row, "percpu", "  [{cpu}]: {address}",
	KA_COL(percpu_row, cpu, KA_UINT, "the CPU"),
	KA_COL(percpu_row, address, KA_ADDR, "where its copy of the variable lies"));

struct request {
	struct ka_call *c;
	struct ka_print how;
	struct ka_print_user user;
	bool is_user;
	const char *text;
};

static struct ka_error *evaluate(struct request *r, const char *text, struct ka_value *ret)
{
	struct ka_expr *e;
	struct ka_error *err = ka_expr_parse(r->c->arena, text, 0, &e);

	return err ? err : ka_expr_eval(e, r->c->k, NULL, ret);
}

/* head: "jiffies = ", "per_cpu(x, 0) = " or "". */
static struct ka_error *show(struct request *r, const struct ka_value *x, const char *head, bool has_cpu, unsigned cpu)
{
	struct p_row row = { .expression = r->text, .cpu = cpu, .has_cpu = has_cpu, .address = x->addr, .has_address = x->is_lvalue };
	struct ka_str text = {0}, type = {0};
	struct ka_error *err;
	const char *number;
	size_t empty;

	if (!r->is_user)
		ka_print_warn_init(r->c, x);
	if (!ka_out_is_text(r->c->out)) {
		ka_type_text(r->c->k, &x->type, NULL, &type);
		row.type = x->is_untyped ? NULL : type.p;
		err = ka_value_tree(r->c->k, x, &r->how, r->c->arena, &row.value);
		row.number = ka_call_keep_value(r->c, x);
		ka_out_row(r->c->out, &ka_rows_p_row, &row);
		ka_str_free(&type);
		return err;
	}
	ka_str_printf(&text, "%s$", head);
	empty = text.len;
	err = ka_value_text(r->c->k, x, &r->how, true, &text);
	if (text.len > empty) {
		row.number = ka_call_keep_value(r->c, x);
		/* the number goes where the text begins, which may be long */
		number = ka_printf(r->c->arena, "%u = ", row.number);
		ka_str_add(&text, number);
		memmove(text.p + empty + strlen(number), text.p + empty, text.len - strlen(number) - empty);
		memcpy(text.p + empty, number, strlen(number));
		row.text = text.p;
		ka_out_row(r->c->out, &ka_rows_p_row, &row);
	}
	ka_str_free(&text);
	return err;
}

static struct ka_error *percpu_list(struct request *r, const struct ka_symbol *s)
{
	struct ka_variable var;
	struct ka_str type = {0};
	uint64_t offset;

	if (ka_variable_of(r->c->k, s, r->c->arena, &var, NULL))
		ka_type_text(r->c->k, &var.type, s->name, &type);
	ka_out_note(r->c->out, "PER-CPU DATA TYPE:\n  %s;\nPER-CPU ADDRESSES:", type.len ? type.p : s->name);
	ka_str_free(&type);
	for (unsigned cpu = 0; cpu < ka_cpu_count(r->c->k); cpu++) {
		struct percpu_row row = { .cpu = cpu };
		struct ka_error *err = ka_percpu_offset(r->c->k, cpu, &offset);

		if (err) {
			ka_call_fault(r->c, ka_error_wrap(err, "CPU %u", cpu));
			continue;
		}
		row.address = s->addr + offset;
		ka_out_row(r->c->out, &ka_rows_percpu_row, &row);
	}
	return NULL;
}

static struct ka_error *percpu_show(struct request *r, const char *name, const bool *cpus)
{
	for (unsigned cpu = 0; cpu < ka_cpu_count(r->c->k) && !ka_interrupted(); cpu++) {
		struct ka_value x;
		struct ka_error *err;

		if (!cpus[cpu])
			continue;
		err = evaluate(r, ka_printf(r->c->arena, "%s:%u", name, cpu), &x);
		if (!err)
			err = show(r, &x, ka_printf(r->c->arena, "per_cpu(%s, %u) = ", name, cpu), true, cpu);
		ka_call_fault(r->c, ka_error_wrap(err, "CPU %u", cpu));
	}
	return NULL;
}

static bool is_name(const char *word)
{
	const char *p = word;

	if (!isalpha((unsigned char)*p) && *p != '_')
		return false;
	while (isalnum((unsigned char)*p) || *p == '_' || *p == '$')
		p++;
	return !*p;
}

/* A symbol alone, perhaps with CPUs behind it. *ret_done: it was one, and is shown. */
static struct ka_error *symbol_show(struct request *r, bool *ret_done)
{
	bool *cpus = ka_alloc(r->c->arena, ka_cpu_count(r->c->k) * sizeof(*cpus) + 1), has_cpus;
	char *word = ka_strdup(r->c->arena, r->text), *colon = strrchr(word, ':');
	struct ka_symbol s;
	struct ka_value x;
	struct ka_error *err;

	*ret_done = false;
	if (colon)
		*colon = 0;
	/* "(rq:0-1).nr_running" is more than a symbol */
	if (colon && strspn(colon + 1, "0123456789,-al") != strlen(colon + 1))
		return NULL;
	if (!is_name(word) || ka_error_drop(ka_symbol_find(r->c->k, word, &s)))
		return NULL;
	*ret_done = true;
	if (colon)
		*colon = ':';
	err = ka_print_cpus(r->c, word, cpus, &has_cpus);
	if (err)
		return err;
	if (s.is_percpu)
		return has_cpus ? percpu_show(r, word, cpus) : percpu_list(r, &s);
	if (has_cpus)
		ka_out_note(r->c->out, "WARNING: %s is not percpu; cpuspec ignored.", word);
	err = evaluate(r, word, &x);
	/* p/x is gdb's own: crash does not put the name before it */
	return err ? err : show(r, &x, r->how.format ? "" : ka_printf(r->c->arena, "%s = ", word), false, 0);
}

/* Options as p takes them: before the expression alone, whose own minus signs are none. */
static struct ka_error *options_read(struct request *r)
{
	const char *p = ka_call_text(r->c);
	bool is_hex = false, is_decimal = false;
	char format = 0;

	/* gdb's p/x, also as `p /x` */
	if (p[0] == 'p' && p[1] == '/')
		p++;
	if (*p == '/' && isalnum((unsigned char)p[1])) {
		size_t n = strcspn(p + 1, " \t");

		if (n > 1 || !strchr("xduotzcasf", p[1]))
			return ka_call_usage(r->c, "there is no format /%.*s: x, d, u, o, t (binary), z, c, a (symbol), s and f", (int)n, p + 1);
		format = p[1] == 'f' ? 0 : p[1];
		p += 2;
		p += strspn(p, " \t");
	}
	while (*p == '-' && p[1] && strspn(p + 1, "xdu") == strcspn(p + 1, " \t")) {
		for (p++; *p && *p != ' ' && *p != '\t'; p++) {
			is_hex |= *p == 'x';
			is_decimal |= *p == 'd';
			r->is_user |= *p == 'u';
		}
		p += strspn(p, " \t");
	}
	/* the last one counts for `px -d`, an alias with its own */
	if (is_hex && is_decimal)
		return ka_call_usage(r->c, "-d and -x exclude each other");
	r->how = ka_call_print(r->c, is_hex, is_decimal);
	r->how.format = format;
	r->text = p;
	return NULL;
}

/* Once, or once for each CPU of a list in it. */
static struct ka_error *expression_show(struct request *r)
{
	struct ka_expr_env env = { .has_list_cpu = true };
	struct ka_value x;
	struct ka_expr *e;
	unsigned *cpus;
	size_t n = 0;
	struct ka_error *err = ka_expr_parse(r->c->arena, r->text, 0, &e);

	if (!err)
		err = ka_expr_cpus(e, r->c->k, r->c->arena, &cpus, &n);
	if (!err && n < 2)
		err = ka_expr_eval(e, r->c->k, NULL, &x);
	if (err)
		return err;
	if (n < 2)
		return show(r, &x, "", false, 0);
	for (size_t i = 0; i < n && !ka_interrupted(); i++) {
		env.list_cpu = cpus[i];
		err = ka_expr_eval(e, r->c->k, &env, &x);
		if (!err)
			err = show(r, &x, ka_printf(r->c->arena, "[%u]: ", cpus[i]), true, cpus[i]);
		ka_call_fault(r->c, ka_error_wrap(err, "CPU %u", cpus[i]));
	}
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	struct request r = { .c = c };
	struct ka_value x;
	struct ka_error *err = options_read(&r);
	bool is_done;

	if (err)
		return err;
	if (!*r.text)
		return ka_call_usage(c, "p needs an expression");
	err = symbol_show(&r, &is_done);
	if (err || is_done)
		return err;
	if (r.is_user) {
		err = ka_print_from_user(c, &r.how, &r.user);
		if (err)
			return err;
		/* What lies in user memory is read when it is shown: asked for is where that is. */
		if (!ka_error_drop(evaluate(&r, ka_printf(c->arena, "&(%s)", r.text), &x)) && x.kind == KA_TYPE_POINTER) {
			struct ka_type_info info;

			ka_type_strip(c->k, &x.type, &info);
			x = (struct ka_value){ .type = info.target, .is_lvalue = true, .addr = x.bits };
			return show(&r, &x, "", false, 0);
		}
	}
	return expression_show(&r);
}

static const struct ka_option options[] = {
	{ "x", NULL, "integers in hexadecimal (also: px)", false },
	{ "d", NULL, "integers in decimal (also: pd)", false },
	{ "u", NULL, "what is not in the kernel's memory is in the current task's", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_p_row, &ka_rows_percpu_row, NULL };

const struct ka_command ka_command_p = {
	.name = "p",
	.args = "[/FORMAT] [-x | -d] [-u] EXPRESSION | SYMBOL[:CPUS]",
	.brief = "print the value of an expression",
	.help =
		"The value of an expression of C: variables of the kernel and its modules with their types,\n"
		"members, elements, *, &, casts, sizeof, arithmetic. Values are numbered: $1 is the first\n"
		"one printed, $ the last, $$ the one before it.\n"
		"\n"
		"Of a per-CPU variable alone its addresses are shown; SYMBOL:CPUS shows it on the CPUs of a\n"
		"list: 0, 1,3-5, a for all, nothing for the CPU of the current task.\n"
		"\n"
		"A line that starts with no command's name, but with that of a variable, is an expression.\n"
		"\n"
		"FORMAT is a letter of gdb's: x, d, u (unsigned), o, t (binary), z (hexadecimal with all its\n"
		"zeros), c (characters), a (addresses, with symbols), s (strings).\n"
		"\n"
		"    p jiffies\n"
		"    p/x init_task.flags\n"
		"    p init_task.comm\n"
		"    px *init_task.cred\n"
		"    p ((struct task_struct *)0xffff8880041c8000)->mm->pgd\n"
		"    p runqueues:0\n"
		"    p $1.next\n",
	.options = options,
	.needs = KA_RAW_ARGS | KA_NEED_TYPES,
	.rows = rows,
	.run = run,
};
