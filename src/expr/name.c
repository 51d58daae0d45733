/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a name in an expression is: of the caller, a variable, a function, a per-CPU variable, an enumerator. */
#include <ctype.h>
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/task.h>
#include <kanalyze/variable.h>
#include "value.h"

#define TWINS_TOLD 8	/* of variables of one name */

static bool is_function(const struct ka_symbol *s)
{
	int c = tolower((unsigned char)s->type);

	return c == 't' || c == 'w';
}

static bool find_symbol(struct ka_eval *v, const char *name, struct ka_symbol *ret)
{
	return v->k && !ka_error_drop(ka_symbol_find(v->k, name, ret));
}

/* "1,3-5" to the CPU that is meant now. */
static struct ka_error *cpu_of(struct ka_eval *v, const struct ka_expr *e, uint64_t *ret)
{
	unsigned count = ka_cpu_count(v->k);
	char *end;

	*ret = strtoul(e->cpus, &end, 10);
	if (!isdigit((unsigned char)e->cpus[0]) || *end) {
		bool *wanted = ka_xalloc(count + 1);
		struct ka_error *err = ka_parse_cpus(e->cpus, wanted, count);
		unsigned n = 0;

		for (unsigned i = count; i-- && !err; ) {
			n += wanted[i];
			*ret = wanted[i] ? i : *ret;
		}
		if (!err && v->env && v->env->has_list_cpu) {
			*ret = v->env->list_cpu;
			n = 1;
		}
		free(wanted);
		if (err)
			return err;
		if (n != 1)
			return ka_error_new(KA_USAGE, "'%s:%s' is %u values, and one is expected here", e->name, e->cpus, n);
	}
	if (*ret >= count)
		return ka_error_new(KA_USAGE, "there is no CPU %" PRIu64 ": this machine has %u", *ret, count);
	return NULL;
}

/* Where this CPU's copy of a per-CPU variable lies. */
static struct ka_error *percpu_place(struct ka_eval *v, const struct ka_expr *e, bool is_percpu, bool must, ka_addr *at)
{
	uint64_t cpu, offset;
	struct ka_error *err;

	if (e->cpus && !is_percpu)
		return ka_error_new(KA_USAGE, "'%s' is no per-CPU variable", e->name);
	if (!is_percpu)
		return NULL;
	if (e->cpus)
		err = cpu_of(v, e, &cpu);
	else if (v->env && v->env->has_cpu)
		err = (cpu = v->env->cpu) >= ka_cpu_count(v->k) ? ka_error_new(KA_USAGE, "there is no CPU %" PRIu64, cpu) : NULL;
	else if (v->unevaluated || !must)
		return NULL;
	else
		return ka_error_new(KA_USAGE, "'%s' is a per-CPU variable: which CPU's is meant? (%s:0)", e->name, e->name);
	if (!err)
		err = ka_percpu_offset(v->k, (unsigned)cpu, &offset);
	if (!err)
		*at += offset;
	return err;
}

static struct ka_error *from_variable(struct ka_eval *v, const struct ka_expr *e, const struct ka_variable *var, struct ka_value *ret)
{
	ka_addr at = var->addr;
	struct ka_error *err;

	if (!var->has_addr) {
		*ret = (struct ka_value){ .type = var->type, .bits = (uint64_t)var->value, .is_loaded = true };
		err = ka_value_describe(v, ret);
		ret->bits = ka_bits_extend(ret->bits, (unsigned)KA_MIN(ret->size, 8), ret->is_signed);
		return err;
	}
	err = percpu_place(v, e, var->is_percpu, true, &at);
	return err ? err : ka_value_place(v, var->type, at, ret);
}

/* Static variables of one name: the files are told. */
static struct ka_error *twins(struct ka_eval *v, const char *name, size_t count)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_variable *all;
	struct ka_str s = {0};
	struct ka_error *err;
	size_t n = ka_variable_find(v->k, name, a, &all), told = 0;

	for (size_t i = 0; i < n && told < TWINS_TOLD; i++) {
		const char *file = all[i].file, *slash = file ? strrchr(file, '/') : NULL;

		if (all[i].is_function || !file)
			continue;
		/* the directory with it: there are many main.c */
		while (slash && slash > file && slash[-1] != '/')
			slash--;
		ka_str_printf(&s, "%s%s@%s", told++ ? ", " : "", name, slash ? slash : file);
	}
	err = ka_error_new(KA_USAGE, "there are %zu variables '%s', in as many files: %s%s", count, name, s.p ? s.p : "choose with @FILE",
			   n > told ? " ..." : "");
	ka_str_free(&s);
	ka_arena_free(a);
	return err;
}

/* A variable with its type; *ret_found false: debuginfo does not know it. */
static struct ka_error *typed(struct ka_eval *v, const struct ka_expr *e, const struct ka_symbol *s, struct ka_value *ret, bool *ret_found)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_variable var;
	struct ka_error *err = NULL;
	size_t count = 1;

	*ret_found = ka_variable_of(v->k, s, a, &var, &count);
	if (*ret_found && count > 1)
		err = twins(v, s->name, count);
	else if (*ret_found)
		err = from_variable(v, e, &var, ret);
	ka_arena_free(a);
	return err;
}

/* What a symbol stands for: its address, or (in C) what it holds: untyped, where its size is that of an integer. */
static struct ka_error *from_symbol(struct ka_eval *v, const struct ka_expr *e, const struct ka_symbol *s, bool is_typed,
				    struct ka_value *ret)
{
	bool is_address = (e->flags & KA_EXPR_ADDRESSES) && !is_typed, is_known;
	bool is_small = s->size == 1 || s->size == 2 || s->size == 4 || s->size == 8;
	ka_addr at = s->addr;
	struct ka_error *err;

	if (!is_address && toupper((unsigned char)s->type) != 'A') {
		err = typed(v, e, s, ret, &is_known);
		if (err || is_known)
			return err;
	}
	err = percpu_place(v, e, s->is_percpu, !is_address, &at);
	if (err)
		return err;
	if (is_address || is_function(s) || !is_small || toupper((unsigned char)s->type) == 'A') {
		*ret = ka_value_ulong(v->k, at);
		/* & of it is the address again */
		ret->is_lvalue = true;
		ret->addr = at;
		ret->is_untyped = true;
		return NULL;
	}
	err = ka_value_place(v, ka_type_int((unsigned)s->size, false), at, ret);
	ret->is_untyped = true;
	return err;
}

bool ka_eval_cold(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret, struct ka_error **err)
{
	char *name = ka_xprintf("%s.%s", e->a->name, e->name);
	struct ka_symbol s;
	bool found = find_symbol(v, name, &s);

	if (found)
		*err = from_symbol(v, e->a, &s, false, ret);
	free(name);
	return found;
}

/* "name@FILE", and what has no symbol: constants that were optimised away. */
static struct ka_error *from_debuginfo(struct ka_eval *v, const struct ka_expr *e, struct ka_value *ret, bool *ret_found)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_variable *all = NULL;
	size_t n = ka_variable_find(v->k, e->name, a, &all), i = 0;
	struct ka_error *err = NULL;

	while (i < n && !all[i].has_addr && !all[i].has_value)
		i++;
	*ret_found = i < n;
	if (i < n && (e->flags & KA_EXPR_ADDRESSES) && all[i].has_addr) {
		ka_addr at = all[i].addr;

		err = percpu_place(v, e, all[i].is_percpu, false, &at);
		*ret = ka_value_ulong(v->k, at);
	} else if (i < n) {
		err = from_variable(v, e, &all[i], ret);
	}
	ka_arena_free(a);
	return err;
}

static bool from_env(struct ka_eval *v, const char *name, struct ka_value *ret)
{
	const struct ka_expr_env *base = v->k ? v->k->expr_env : NULL;

	if (v->env && v->env->name && v->env->name(v->env->ctx, name, ret))
		return true;
	return base && base != v->env && base->name && base->name(base->ctx, name, ret);
}

static bool knows_of_file(struct ka_eval *v, const char *name)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_variable *all;
	bool is_there = ka_variable_find(v->k, name, a, &all) > 0;

	ka_arena_free(a);
	return is_there;
}

bool ka_eval_knows(struct ka_eval *v, const char *name)
{
	struct ka_value unused = {0};
	struct ka_symbol s;
	int64_t value;

	if (v->k && strchr(name, '@'))
		return knows_of_file(v, name);
	return from_env(v, name, &unused) || find_symbol(v, name, &s) || (v->k && ka_enum_value(v->k, name, &value));
}

/* Of the type of its enum where that is known, so that it shows its name; it counts as an int all the same. */
static struct ka_error *from_enumerator(struct ka_eval *v, const char *name, int64_t value, struct ka_value *ret)
{
	struct ka_types *t;
	uint32_t id = 0;

	if (!ka_error_drop(ka_kernel_types(v->k, &t)) && t->ops->enumerator_type)
		id = t->ops->enumerator_type(t, name);
	*ret = ka_value_int(value > UINT32_MAX || value < INT32_MIN ? 8 : 4, value <= INT32_MAX, (uint64_t)value);
	if (!id)
		return NULL;
	*ret = (struct ka_value){ .type = { .types = t, .id = id }, .bits = (uint64_t)value, .is_loaded = true,
				   .is_enumerator = true };
	return ka_value_describe(v, ret);
}

/* "$rax", "$5", "$x" that is none. */
static struct ka_error *no_such(const struct ka_eval *v, const char *name)
{
	const struct ka_arch *arch = v->k ? v->k->arch : NULL;
	const char *digits = name + 1 + (name[1] == '$');

	if (strspn(digits, "0123456789") == strlen(digits))
		return ka_error_new(KA_NOT_FOUND, "there is no value '%s' yet: what 'p' printed has these numbers", name);
	for (unsigned r = 0; arch && r < arch->reg_count; r++)
		if (arch->reg_names[r] && !strcasecmp(arch->reg_names[r], name + 1))
			return ka_error_new(KA_NOT_FOUND, "what %s was is not known of this frame ('frame N', 'up' and 'down' choose one)", name);
	return ka_error_new(KA_NOT_FOUND, "there is no register and no variable '%s'; 'set %s = EXPR' makes one", name, name);
}

/* Nothing has a value by this name; it may be that of a type. */
static struct ka_error *missing(struct ka_eval *v, const struct ka_expr *e)
{
	struct ka_type_info info;
	struct ka_type t;

	if (e->flags & KA_EXPR_ADDRESSES)
		return ka_error_new(KA_NOT_FOUND, "there is no symbol '%s'", e->name);
	if (v->k && !ka_error_drop(ka_type_find(v->k, e->name, &t))) {
		ka_type_strip(v->k, &t, &info);
		return ka_expr_type_error(e->name, info.kind == KA_TYPE_STRUCT || info.kind == KA_TYPE_UNION);
	}
	return ka_error_new(KA_NOT_FOUND, "there is no symbol or enumerator '%s'", e->name);
}

struct ka_error *ka_eval_name(struct ka_eval *v, const struct ka_expr *e, bool is_typed, struct ka_value *ret)
{
	struct ka_symbol s;
	struct ka_token number = {0};
	struct ka_error *err;
	bool found = false;
	int64_t value;

	if (!e->cpus && from_env(v, e->name, ret))
		return ret->is_loaded || ret->is_lvalue || ret->text || ret->kind == KA_TYPE_VOID ? NULL :
		       ka_error_new(KA_USAGE, "'%s' has no value", e->name);
	if (e->name[0] == '$')
		return no_such(v, e->name);
	if (v->k && strchr(e->name, '@')) {
		err = from_debuginfo(v, e, ret, &found);
		return err || found ? err : ka_error_new(KA_NOT_FOUND, "there is no variable or function '%s'", e->name);
	}
	if (find_symbol(v, e->name, &s))
		return from_symbol(v, e, &s, is_typed, ret);
	if (e->flags & (KA_EXPR_HEX | KA_EXPR_DECIMAL) && !e->cpus && ka_expr_digits(e->name, strlen(e->name), e->flags, &number)) {
		*ret = ka_value_int(ka_eval_long(v), number.is_signed, number.number);
		return NULL;
	}
	if (v->k && !e->cpus && ka_enum_value(v->k, e->name, &value)) {
		return from_enumerator(v, e->name, value, ret);
	}
	if (v->k && !(e->flags & KA_EXPR_ADDRESSES)) {
		err = from_debuginfo(v, e, ret, &found);
		if (err || found)
			return err;
	}
	return missing(v, e);
}

/* ---- lists of CPUs ---- */

static const struct ka_expr *find_list(const struct ka_expr *e)
{
	const struct ka_expr *found = NULL;

	if (!e || (e->op == KA_EXPR_NAME && e->cpus))
		return e;
	found = find_list(e->a);
	found = found ? found : find_list(e->b);
	found = found ? found : find_list(e->c);
	return found ? found : find_list(e->type.of);
}

struct ka_error *ka_expr_cpus(const struct ka_expr *e, struct ka_kernel *k, struct ka_arena *a, unsigned **ret, size_t *ret_count)
{
	const struct ka_expr *name = find_list(e);
	unsigned count = k ? ka_cpu_count(k) : 0;
	struct ka_error *err = NULL;
	bool *wanted;

	*ret_count = 0;
	*ret = ka_alloc(a, (count + 1) * sizeof(**ret));
	if (!name || !k)
		return NULL;
	wanted = ka_alloc(a, count + 1);
	err = ka_parse_cpus(name->cpus, wanted, count);
	for (unsigned i = 0; i < count && !err; i++)
		if (wanted[i])
			(*ret)[(*ret_count)++] = i;
	return err;
}
