/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Variables and functions with their types. BTF knows functions and per-CPU variables; the rest is DWARF's, whose types
 * are exchanged for those of BTF where they are the same: member look-ups then touch 4 MB instead of 160.
 */
#include <kanalyze/variable.h>
#include "kernel.h"

#define MODIFIERS_MAX 64

struct ka_types *ka_kernel_dwarf(struct ka_kernel *k)
{
	struct ka_types *types, *ret;
	struct ka_error *err;

	if (!k->object || ka_error_drop(ka_kernel_types(k, &types)))
		return NULL;
	if (!strcmp(types->ops->name, "DWARF"))
		return types;
	pthread_mutex_lock(&k->types_lock);
	if (!k->has_tried_dwarf) {
		k->has_tried_dwarf = true;
		err = ka_types_open_dwarf(k->object, &k->dwarf);
		if (err)
			ka_log(1, "types of variables: %s", err->message);
		else
			k->dwarf->fuller = types;
		ka_error_free(err);
	}
	ret = k->dwarf;
	pthread_mutex_unlock(&k->types_lock);
	return ret;
}

/* ---- DWARF's types as BTF's ---- */

/* The one of that name in BTF, when it is the only one and of the same size. */
static uint32_t same_in(struct ka_types *btf, const struct ka_type_step *t)
{
	struct ka_type_named *all;
	struct ka_arena *a;
	struct ka_type_step there;
	uint32_t id = 0;

	if (!t->name)
		return 0;
	a = ka_arena_new();
	if (btf->ops->find_all(btf, t->kind, t->name, a, &all) == 1) {
		btf->ops->step(btf, all[0].id, &there);
		if (there.kind == t->kind && (there.size == t->size || t->is_declared_only))
			id = all[0].id;
	}
	ka_arena_free(a);
	return id;
}

/* Pointers and one array bound can stand above a type of BTF; what is more complicated stays DWARF's. */
static struct ka_type exchange(struct ka_kernel *k, struct ka_types *from, uint32_t id)
{
	struct ka_type as_is = { .types = from, .id = id }, ret = { 0 };
	struct ka_type_step step;
	struct ka_types *btf;
	bool is_qualified = false;

	if (ka_error_drop(ka_kernel_types(k, &btf)) || btf == from || strcmp(btf->ops->name, "BTF"))
		return as_is;
	for (int i = 0; i < MODIFIERS_MAX; i++) {
		from->ops->step(from, id, &step);
		switch (step.kind) {
		case KA_TYPE_CONST:
		case KA_TYPE_VOLATILE:
		case KA_TYPE_RESTRICT:
			is_qualified = true;
			id = step.target;
			continue;
		case KA_TYPE_POINTER:
			if (ret.stars == UINT8_MAX)
				return as_is;
			ret.stars++;
			id = step.target;
			continue;
		case KA_TYPE_ARRAY:
			if (ret.stars || ret.count || !step.count || step.count > UINT32_MAX)
				return as_is;
			ret.count = (uint32_t)step.count;
			id = step.target;
			continue;
		case KA_TYPE_VOID:
			return is_qualified ? as_is : ret;
		case KA_TYPE_STRUCT:
		case KA_TYPE_UNION:
		case KA_TYPE_ENUM:
		case KA_TYPE_TYPEDEF:
		case KA_TYPE_INT:
		case KA_TYPE_FLOAT:
			ret.id = same_in(btf, &step);
			ret.types = btf;
			if (!ret.id)
				return as_is;
			/* "volatile unsigned long *" is what &jiffies is of. */
			return is_qualified ? as_is : ret;
		default:
			return as_is;
		}
	}
	return as_is;
}

/* ---- which of them ---- */

struct list {
	struct ka_arena *a;
	struct ka_variable *at;
	size_t n;
};

static void push(struct list *l, struct ka_variable v)
{
	if (!(l->n & (l->n - 1))) {
		struct ka_variable *bigger = ka_alloc(l->a, (l->n ? l->n * 2 : 1) * sizeof(*bigger));

		if (l->n)
			memcpy(bigger, l->at, l->n * sizeof(*bigger));
		l->at = bigger;
	}
	l->at[l->n++] = v;
}

static bool is_percpu(const struct ka_object *o, uint64_t addr)
{
	const struct ka_section *s = ka_object_section(o, ".data..percpu");

	return s && addr - s->addr < s->size;
}

/* As symbol_from() of symbols.c does it. */
static ka_addr run_time(struct ka_kernel *k, uint64_t addr, bool percpu)
{
	return percpu && addr < (1ull << 32) ? addr : addr + k->layout.kaslr_offset;
}

/* Debuginfo that was cut down may have lost the types: such is no variable of type void, but one of which only the symbol is known. */
static bool has_type(struct ka_kernel *k, const struct ka_variable *v)
{
	struct ka_type_info info;

	if (v->is_function)
		return true;
	ka_type_strip(k, &v->type, &info);
	return info.kind != KA_TYPE_VOID;
}

static void add_kernel(struct ka_kernel *k, const char *name, const char *file, struct list *l)
{
	struct ka_types *dwarf = ka_kernel_dwarf(k);
	struct ka_type_named *named;
	struct ka_symbol s;
	size_t n = dwarf ? dwarf->ops->named(dwarf, name, l->a, &named) : 0;
	bool has_symbol = n && ka_symbol_lookup(k, name, &s);

	for (size_t pass = 0; pass < 2; pass++) {
		for (size_t i = 0; i < n; i++) {
			struct ka_variable v = { .is_function = named[i].is_function, .is_external = named[i].is_external,
						 .has_addr = named[i].has_addr, .has_value = named[i].has_value,
						 .value = named[i].value, .file = named[i].file };

			if (named[i].is_external != !pass || (file && (!v.file || !ka_path_ends(v.file, file))))
				continue;
			v.is_percpu = v.has_addr && !v.is_function && is_percpu(k->object, named[i].addr);
			v.addr = v.has_addr ? run_time(k, named[i].addr, v.is_percpu) : 0;
			/* What is only declared, or in pieces, has its symbol. */
			if (!v.has_addr && !v.has_value && has_symbol) {
				v.has_addr = true;
				v.addr = s.addr;
				v.is_percpu = s.is_percpu;
			}
			v.type = v.is_function ? (struct ka_type){ .types = dwarf, .id = named[i].id } : exchange(k, dwarf, named[i].id);
			if (has_type(k, &v))
				push(l, v);
		}
	}
}

/* Where the module's object has what lies at a run-time address. */
static bool object_addr(struct ka_kernel *k, ka_addr at, uint64_t *ret)
{
	struct ka_object *o;
	uint32_t section;

	return k->hooks.module_object && k->hooks.module_object(k, at, &o, ret, &section);
}

static void add_module(struct ka_kernel *k, size_t i, const struct ka_module_symbols *m, const char *name, const char *file, struct list *l)
{
	struct ka_types *dwarf = k->hooks.module_types ? k->hooks.module_types(k, i, true) : NULL;
	struct ka_type_named *named;
	size_t n = dwarf ? dwarf->ops->named(dwarf, name, l->a, &named) : 0;

	for (size_t d = 0; d < n; d++) {
		struct ka_variable v = { .is_function = named[d].is_function, .is_external = named[d].is_external,
					 .has_value = named[d].has_value, .value = named[d].value, .file = named[d].file,
					 .module = m->name };
		uint64_t at;

		if (file && (!v.file || !ka_path_ends(v.file, file)))
			continue;
		/* Of all symbols of this name the one that lies there; the only one will do. */
		for (size_t j = 0; j < m->n; j++) {
			if (strcmp(m->at[j].name, name))
				continue;
			if ((object_addr(k, m->at[j].addr, &at) && named[d].has_addr && at == named[d].addr) || n == 1) {
				v.addr = m->at[j].addr;
				v.has_addr = true;
				v.is_percpu = m->at[j].is_percpu;
			}
		}
		v.type = v.is_function ? (struct ka_type){ .types = dwarf, .id = named[d].id } : exchange(k, dwarf, named[d].id);
		if ((v.has_addr || v.has_value) && has_type(k, &v))
			push(l, v);
	}
}

static void add_modules(struct ka_kernel *k, const char *name, const char *file, const char *module, struct list *l)
{
	struct ka_module_symbols m;
	struct ka_symbol symbol;
	size_t pos = 0, last = SIZE_MAX, i;

	while (ka_module_names_next(k, name, &pos, &symbol, &i) && !ka_interrupted()) {
		if (i != last && k->hooks.module_symbols(k, i, &m) && (!module || !strcmp(module, m.name)))
			add_module(k, i, &m, name, file, l);
		last = i;
	}
}

size_t ka_variable_find(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_variable **ret)
{
	const char *sign = strchr(name, '@'), *file = sign ? sign + 1 : NULL;
	struct list l = { .a = a };
	char *bare = ka_strndup(a, name, sign ? (size_t)(sign - name) : strlen(name));

	add_kernel(k, bare, file, &l);
	add_modules(k, bare, file, NULL, &l);
	*ret = l.at;
	return l.n;
}

/* ---- the one of a symbol ---- */

/* The only one that BTF has of this name. */
static bool from_btf(struct ka_kernel *k, struct ka_types *btf, const struct ka_symbol *s, bool is_function, struct ka_arena *a,
		     struct ka_variable *ret)
{
	struct ka_type_named *named;

	(void)k;
	if (!btf || btf->ops->named(btf, s->name, a, &named) != 1 || strcmp(btf->ops->name, "BTF") || named[0].is_function != is_function)
		return false;
	*ret = (struct ka_variable){ .addr = s->addr, .has_addr = true, .is_function = is_function, .is_percpu = s->is_percpu,
				     .is_external = true, .type = { .types = btf, .id = named[0].id }, .module = s->module };
	return true;
}

static struct ka_types *module_types(struct ka_kernel *k, const char *module)
{
	struct ka_module_symbols m;

	for (size_t i = 0; k->hooks.module_types && k->hooks.module_symbols && k->hooks.module_symbols(k, i, &m); i++)
		if (!strcmp(m.name, module))
			return k->hooks.module_types(k, i, false);
	return NULL;
}

/* DWARF of what a symbol is of, and where the symbol lies there. */
static struct ka_types *dwarf_of(struct ka_kernel *k, const struct ka_symbol *s, uint64_t *ret_at)
{
	struct ka_module_symbols m;

	*ret_at = s->is_percpu && s->addr < (1ull << 32) ? s->addr : s->addr - k->layout.kaslr_offset;
	if (!s->module)
		return ka_kernel_dwarf(k);
	for (size_t i = 0; k->hooks.module_symbols && k->hooks.module_types && k->hooks.module_symbols(k, i, &m); i++)
		if (!strcmp(m.name, s->module))
			return object_addr(k, s->addr, ret_at) ? k->hooks.module_types(k, i, true) : NULL;
	return NULL;
}

/* What Rust has at a symbol's address: debuginfo knows no mangled names. */
static bool of_rust(struct ka_kernel *k, const struct ka_symbol *s, struct ka_variable *ret)
{
	uint64_t at;
	struct ka_types *dwarf = dwarf_of(k, s, &at);
	struct ka_type_named named;

	if (!dwarf || !dwarf->ops->rust_at || !dwarf->ops->rust_at(dwarf, at, &named))
		return false;
	*ret = (struct ka_variable){ .addr = s->addr, .has_addr = true, .is_function = named.is_function, .is_external = true,
				     .type = { .types = dwarf, .id = named.id }, .file = named.file, .module = s->module };
	return true;
}

/* "count.3", of clang "function.count": a function's static variable. A function itself may be called "foo.isra.0", "foo.cold". */
static bool is_of_function(const char *name, bool is_function)
{
	const char *dot = strchr(name, '.');

	if (!is_function)
		return dot && dot > name;

	return dot && dot > name && dot[1] && strspn(dot + 1, "0123456789") == strlen(dot + 1);
}

static bool of_function(struct ka_kernel *k, const struct ka_symbol *s, struct ka_variable *ret)
{
	uint64_t at;
	struct ka_types *dwarf = dwarf_of(k, s, &at);
	struct ka_type_named named;

	if (!dwarf || !dwarf->ops->static_at || !dwarf->ops->static_at(dwarf, s->name, at, &named))
		return false;
	*ret = (struct ka_variable){ .addr = s->addr, .has_addr = true, .is_percpu = s->is_percpu,
				     .type = exchange(k, dwarf, named.id), .module = s->module };
	return true;
}

bool ka_variable_of(struct ka_kernel *k, const struct ka_symbol *s, struct ka_arena *a, struct ka_variable *ret, size_t *ret_count)
{
	bool is_function = strchr("tTwW", s->type) && s->type;
	struct ka_types *btf = NULL;
	struct list l = { .a = a };
	size_t statics = 0;
	bool found = false;

	if (ret_count)
		*ret_count = 1;
	if (s->module)
		btf = module_types(k, s->module);
	else
		ka_error_drop(ka_kernel_types(k, &btf));
	if (from_btf(k, btf, s, is_function, a, ret))
		return true;
	/* v0 and legacy mangling */
	if ((!strncmp(s->name, "_R", 2) || !strncmp(s->name, "_ZN", 3)) && of_rust(k, s, ret))
		return true;
	/* 7.3 has its data in a section that may be executed */
	if (is_of_function(s->name, is_function) && of_function(k, s, ret))
		return true;
	if (s->module)
		add_modules(k, s->name, NULL, s->module, &l);
	else
		add_kernel(k, s->name, NULL, &l);
	for (size_t i = 0; i < l.n; i++) {
		/* 7.3 has its data in a section that may be executed: nm says T of variables, too */
		if (!l.at[i].has_addr || (l.at[i].is_function != is_function && !(is_function && l.at[i].addr == s->addr)))
			continue;
		statics++;
		if (!found || l.at[i].addr == s->addr) {
			if (!found || ret->addr != s->addr)
				*ret = l.at[i];
			found = true;
		}
	}
	if (found && ret->addr != s->addr && s->size)
		found = statics > 1;	/* the symbol's own is not among them: another of the same name would mislead */
	if (ret_count && found)
		*ret_count = ret->is_external ? 1 : statics;
	/* "foo.isra.0" is what the compiler made of foo */
	if (!found && is_function && strchr(s->name, '.') && s->name[0] != '.') {
		struct ka_symbol bare = *s;

		bare.name = ka_strndup(a, s->name, strcspn(s->name, "."));
		found = ka_variable_of(k, &bare, a, ret, NULL) && ret->is_function;
		ret->addr = s->addr;
	}
	return found;
}

/* ---- types of one name ---- */

/* Those of one source file: the index names the first file of each; the others' units are looked into. */
static size_t of_file(struct ka_types *dwarf, enum ka_type_kind kind, const char *name, const char *file, struct ka_arena *a,
		      struct ka_type_named **ret)
{
	size_t n = dwarf->ops->find_all(dwarf, kind, name, a, ret), kept = 0;

	for (size_t i = 0; i < n; i++)
		if ((*ret)[i].file && ka_path_ends((*ret)[i].file, file))
			(*ret)[kept++] = (*ret)[i];
	return kept || !n || !dwarf->ops->twins ? kept : dwarf->ops->twins(dwarf, kind, name, file, a, ret);
}

size_t ka_type_find_all(struct ka_kernel *k, const char *name, struct ka_arena *a, struct ka_type_place **ret)
{
	static const struct { const char *word; enum ka_type_kind kind; } tags[] = {
		{ "struct ", KA_TYPE_STRUCT }, { "union ", KA_TYPE_UNION }, { "enum ", KA_TYPE_ENUM } };
	static const enum ka_type_kind bare_kinds[] = {
		KA_TYPE_STRUCT, KA_TYPE_UNION, KA_TYPE_TYPEDEF, KA_TYPE_ENUM, KA_TYPE_INT, KA_TYPE_FLOAT };
	const char *sign = strchr(name, '@'), *file = sign ? sign + 1 : NULL, *tag;
	char *bare = ka_strndup(a, name, sign ? (size_t)(sign - name) : strlen(name));
	struct ka_types *types, *dwarf;
	struct ka_module_symbols symbols;
	size_t n = 0;
	const enum ka_type_kind *kinds = bare_kinds;
	size_t kind_count = KA_COUNT(bare_kinds);
	struct ka_type_named *named;

	*ret = NULL;
	tag = bare;
	for (size_t i = 0; i < KA_COUNT(tags); i++) {
		if (!strncmp(bare, tags[i].word, strlen(tags[i].word))) {
			tag = bare + strlen(tags[i].word);
			tag += strspn(tag, " ");
			kinds = &tags[i].kind;
			kind_count = 1;
		}
	}
	/* A file is known to DWARF alone. */
	if (file)
		types = ka_kernel_dwarf(k);
	else if (ka_error_drop(ka_kernel_types(k, &types)))
		types = NULL;
	for (size_t i = 0; types && i < kind_count && !n; i++) {
		n = file ? of_file(types, kinds[i], tag, file, a, &named) : types->ops->find_all(types, kinds[i], tag, a, &named);
		/* Which files they are of, and whether there is more about them than the order of BTF's dedup, DWARF alone tells. */
		if (n > 1 && !file && (dwarf = ka_kernel_dwarf(k))) {
			struct ka_type_named *with_files;
			size_t more = dwarf->ops->twins(dwarf, kinds[i], tag, NULL, a, &with_files);

			if (more > 1) {
				named = with_files;
				types = dwarf;
			}
			n = more ? more : n;
		}
	}
	for (size_t m = 0; file && !n && k->hooks.module_symbols && k->hooks.module_types && k->hooks.module_symbols(k, m, &symbols) &&
	     !ka_interrupted(); m++) {
		types = k->hooks.module_types(k, m, true);
		for (size_t i = 0; types && !strcmp(types->ops->name, "DWARF") && i < kind_count && !n; i++)
			n = of_file(types, kinds[i], tag, file, a, &named);
	}
	/* "core::fmt::Formatter", "Option<u32>", "Formatter" */
	if (!n && !file && (strstr(tag, "::") || strchr(tag, '<') || (tag[0] >= 'A' && tag[0] <= 'Z')) && (dwarf = ka_kernel_dwarf(k)) &&
	    dwarf->ops->rust_types) {
		n = dwarf->ops->rust_types(dwarf, tag, a, &named);
		types = dwarf;
	}
	*ret = ka_alloc(a, (n + 1) * sizeof(**ret));
	for (size_t i = 0; i < n; i++)
		(*ret)[i] = (struct ka_type_place){ { .types = types, .id = named[i].id }, named[i].file };
	return n;
}
