/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* mod: loaded modules. */
#include <inttypes.h>
#include <kanalyze/command.h>
#include <kanalyze/module.h>
#include <kanalyze/system.h>

struct mod_row {
	ka_addr addr, base;
	const char *name, *name_text, *size_text, *object, *object_text, *state, *taint_letters;
	uint64_t size, taints;
};
KA_LINES(mod_row, "modules", "{addr:016}  {name_text}  {base:016}  {size_text}  {object_text}",
	KA_COL(mod_row, addr, KA_ADDR, "struct module"),
	KA_COLF(mod_row, name, KA_TEXT, KA_ONLY_JSON, "name"),
	KA_COLF(mod_row, name_text, KA_TEXT, KA_ONLY_TEXT, "name, as wide as the longest"),
	KA_COL(mod_row, base, KA_ADDR, "start of its text"),
	KA_COLF(mod_row, size, KA_UINT, KA_ONLY_JSON, "bytes it takes after its init"),
	KA_COLF(mod_row, size_text, KA_TEXT, KA_ONLY_TEXT, "the same, as wide as the longest"),
	KA_COLF(mod_row, state, KA_TEXT, KA_ONLY_JSON, "live, coming, going or unformed"),
	KA_COLF(mod_row, taints, KA_HEX, KA_ONLY_JSON, "taint bits it set"),
	KA_COLF(mod_row, taint_letters, KA_TEXT, KA_ONLY_JSON, "the same as letters"),
	KA_COLF(mod_row, object, KA_TEXT, KA_ONLY_JSON, "its file with debuginfo, where one is in use"),
	KA_COLF(mod_row, object_text, KA_TEXT, KA_ONLY_TEXT, "as printed"));

struct mod_range {
	const char *name;
	ka_addr base;
	uint64_t size;
	bool is_text;
};
KA_LINES(mod_range, "ranges", "",
	KA_COL(mod_range, name, KA_TEXT, "what lies there"),
	KA_COL(mod_range, base, KA_ADDR, "start"),
	KA_COL(mod_range, size, KA_UINT, "bytes"),
	KA_COL(mod_range, is_text, KA_BOOL, "is it executable?"));

struct mod_section {
	ka_addr addr;
	const char *name;
};
KA_LINES(mod_section, "sections", "{addr:016}  {name}",
	KA_COL(mod_section, addr, KA_ADDR, "where it starts"),
	KA_COL(mod_section, name, KA_TEXT, "its name in the module's file"));

struct mod_taint {
	const char *name, *name_text, *letters, *gone_text;
	uint64_t taints, unloads;
	bool is_unloaded, has_unloads;
	const char *const *words;
};
KA_LINES(mod_taint, "tainted", "{name_text}  {letters}{gone_text}",
	KA_COLF(mod_taint, name, KA_TEXT, KA_ONLY_JSON, "name"),
	KA_COLF(mod_taint, name_text, KA_TEXT, KA_ONLY_TEXT, "name, as wide as the longest"),
	KA_COLF(mod_taint, taints, KA_HEX, KA_ONLY_JSON, "taint bits it set"),
	KA_COL(mod_taint, letters, KA_TEXT, "the same as letters; (U): not signed"),
	KA_COLF(mod_taint, words, KA_LIST, KA_ONLY_JSON, "the same as words"),
	KA_COLF(mod_taint, is_unloaded, KA_BOOL, KA_ONLY_JSON, "it is gone"),
	KA_COL_IF(mod_taint, unloads, KA_UINT, has_unloads, "times that it went, where the kernel counts them"),
	KA_COLF(mod_taint, gone_text, KA_TEXT, KA_ONLY_TEXT, "that it is gone"));

static int by_base(const void *a, const void *b)
{
	const struct ka_module *x = *(const struct ka_module *const *)a, *y = *(const struct ka_module *const *)b;

	return x->base < y->base ? -1 : x->base > y->base;
}

static const struct ka_module *module_of(struct ka_call *c, const char *text)
{
	const struct ka_module *m = ka_module_find(c->k, text);
	uint64_t addr;

	if (!m && ka_parse_number(text, false, &addr)) {
		m = ka_module_at(c->k, addr);
		for (size_t i = 0; i < ka_module_count(c->k) && !m; i++)
			if (ka_module_nth(c->k, i)->addr == addr)
				m = ka_module_nth(c->k, i);
	}
	return m;
}

/* The modules that are asked for (all without arguments), by address as crash lists them. */
/* gone: a module that is not loaded may be one of these. */
static struct ka_error *choose(struct ka_call *c, const struct ka_module **list, size_t *ret_count, const struct ka_module_gone *gone, size_t gone_count)
{
	size_t n = 0, all = ka_module_count(c->k);

	for (size_t i = 0; i < all && !c->argc; i++)
		list[n++] = ka_module_nth(c->k, i);
	for (int i = 0; i < c->argc; i++) {
		const struct ka_module *m = module_of(c, c->argv[i]);

		bool is_gone = false;

		for (size_t g = 0; g < gone_count; g++)
			is_gone |= !strcmp(gone[g].name, c->argv[i]);
		if (m)
			list[n++] = m;
		else if (!is_gone)
			return ka_error_new(KA_NOT_FOUND, "%s: no module of that name, nor one at that address",
					    c->argv[i]);
	}
	if (n)
		qsort(list, n, sizeof(*list), by_base);
	*ret_count = n;
	return NULL;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = { "live", "coming", "going", "unformed" };	/* enum module_state */

	return state < KA_COUNT(names) ? names[state] : NULL;
}

static const char *centred(struct ka_arena *a, const char *word, int width)
{
	int pad = width - (int)strlen(word), left = pad / 2;

	return ka_printf(a, "%*s%s%*s", left, "", word, pad - left, "");
}

static int by_addr(const void *a, const void *b)
{
	const struct ka_module_section *x = a, *y = b;

	return x->addr < y->addr ? -1 : x->addr > y->addr;
}

/* -g */
static void sections_out(struct ka_call *c, const struct ka_module *m)
{
	struct ka_module_sections s = {0};

	ka_call_fault(c, ka_module_sections_read(c->k, m, &s));
	if (s.n)
		qsort(s.at, s.n, sizeof(*s.at), by_addr);
	for (size_t i = 0; i < s.n; i++)
		ka_out_row(c->out, &ka_rows_mod_section, &(struct mod_section){ s.at[i].addr, ka_strdup(c->arena, s.at[i].name) });
	ka_vec_free(&s);
}

static void list_out(struct ka_call *c, const struct ka_module **list, size_t count)
{
	int name_width = 4, size_width = 4, addr_width = ka_long_size(c->k) * 2;
	bool has_memory = false;

	for (size_t i = 0; i < count; i++) {
		name_width = KA_MAX(name_width, (int)strlen(list[i]->name));
		size_width = KA_MAX(size_width, (int)strlen(ka_printf(c->arena, "%" PRIu64, list[i]->size)));
		has_memory |= list[i]->is_scattered;
	}
	ka_out_note(c->out, "%s  %-*s  %s  %*s  OBJECT FILE", centred(c->arena, "MODULE", addr_width), name_width, "NAME",
		    centred(c->arena, has_memory ? "TEXT_BASE" : "BASE", addr_width), size_width, "SIZE");
	for (size_t i = 0; i < count; i++) {
		const struct ka_module *m = list[i];
		struct mod_row row = {
			.addr = m->addr, .base = m->base, .name = m->name, .size = m->size, .taints = m->taints,
			.name_text = ka_printf(c->arena, "%-*s", name_width, m->name),
			.size_text = ka_printf(c->arena, "%*" PRIu64, size_width, m->size),
			.state = state_name(m->state), .object = m->object, .object_text = m->object,
			.taint_letters = ka_taint_letters(c->k, m->taints, true, c->arena),
		};

		if (!row.object_text)
			row.object_text = m->has_kallsyms ? "(not loaded)  [CONFIG_KALLSYMS]" : "(not loaded)";
		ka_out_begin(c->out, &ka_rows_mod_row, &row);
		for (unsigned j = 0; j < m->range_count && !ka_out_is_text(c->out); j++) {
			const struct ka_module_range *r = &m->ranges[j];

			ka_out_row(c->out, &ka_rows_mod_range,
				   &(struct mod_range){ r->name, r->base, r->size, r->is_text });
		}
		if (ka_call_has(c, "g"))
			sections_out(c, m);
		ka_out_end(c->out);
	}
}

static void taint_out(struct ka_call *c, const char *name, int width, uint64_t taints, bool is_unsigned, const struct ka_module_gone *gone)
{
	struct mod_taint row = {
		.name = name, .name_text = ka_printf(c->arena, "%-*s", width, name), .taints = taints,
		.letters = ka_printf(c->arena, "%s%s", ka_taint_letters(c->k, taints, true, c->arena), is_unsigned ? "(U)" : ""),
		.words = ka_taint_words(c->k, taints, c->arena), .is_unloaded = gone != NULL, .gone_text = "",
	};

	if (gone) {
		row.unloads = gone->count;
		row.has_unloads = gone->count > 0;
		row.gone_text = gone->count > 1 ? ka_printf(c->arena, "  (unloaded %" PRIu64 " times)", gone->count) : "  (unloaded)";
	}
	ka_out_row(c->out, &ka_rows_mod_taint, &row);
}

static bool is_asked_for(struct ka_call *c, const char *name)
{
	for (int i = 0; i < c->argc; i++)
		if (!strcmp(c->argv[i], name))
			return true;
	return !c->argc;
}

/* Loaded ones, and what is kept of those that are gone. */
static void taints_out(struct ka_call *c, const struct ka_module **list, size_t count, const struct ka_module_gone *gone, size_t gone_count)
{
	int width = 4;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (list[i]->taints || list[i]->is_unsigned) {
			width = KA_MAX(width, (int)strlen(list[i]->name));
			n++;
		}
	for (size_t i = 0; i < gone_count; i++)
		if (gone[i].taints && is_asked_for(c, gone[i].name)) {
			width = KA_MAX(width, (int)strlen(gone[i].name));
			n++;
		}
	if (!n) {
		ka_out_note(c->out, "no tainted modules");
		return;
	}
	ka_out_note(c->out, "%-*s  TAINTS", width, "NAME");
	for (size_t i = 0; i < count; i++)
		if (list[i]->taints || list[i]->is_unsigned)
			taint_out(c, list[i]->name, width, list[i]->taints, list[i]->is_unsigned, NULL);
	for (size_t i = 0; i < gone_count; i++)
		if (gone[i].taints && is_asked_for(c, gone[i].name))
			taint_out(c, gone[i].name, width, gone[i].taints, false, &gone[i]);
}

/* -s MODULE [FILE], -S [DIR] */
static struct ka_error *load(struct ka_call *c, const struct ka_module **list)
{
	const char *name = ka_call_value(c, "s");
	const struct ka_module *m = name ? module_of(c, name) : NULL;
	size_t count = 0, all = ka_module_count(c->k);
	struct ka_progress *progress;
	struct ka_error *err;

	if (c->argc > 1)
		return ka_call_usage(c, "too many arguments");
	if (name) {
		if (!m)
			return ka_error_new(KA_NOT_FOUND, "%s: no module of that name, nor one at that address", name);
		err = ka_module_load(c->k, m, c->argc ? c->argv[0] : NULL, NULL);
		if (err)
			return err;
		list_out(c, &m, 1);
		return NULL;
	}
	progress = ka_progress_new("debuginfo of modules", all);
	for (size_t i = 0; i < all && !ka_interrupted(); i++) {
		m = ka_module_nth(c->k, i);
		err = ka_module_load(c->k, m, NULL, c->argc ? c->argv[0] : NULL);
		if (!err)
			list[count++] = m;
		ka_call_fault(c, err);
		ka_progress_at(progress, i + 1);
	}
	ka_progress_free(progress);
	if (count)
		qsort(list, count, sizeof(*list), by_base);
	list_out(c, list, count);
	return NULL;
}

/* -d MODULE, -D */
static struct ka_error *unload(struct ka_call *c)
{
	const char *name = ka_call_value(c, "d");
	const struct ka_module *m = name ? module_of(c, name) : NULL;

	if (c->argc)
		return ka_call_usage(c, "too many arguments");
	if (name && !m)
		return ka_error_new(KA_NOT_FOUND, "%s: no module of that name, nor one at that address", name);
	if (name && !ka_module_unload(c->k, m))
		return ka_error_new(KA_NOT_FOUND, "no debuginfo of module %s is loaded", m->name);
	for (size_t i = 0; !name && i < ka_module_count(c->k); i++)
		ka_module_unload(c->k, ka_module_nth(c->k, i));
	return NULL;
}

static struct ka_error *run(struct ka_call *c)
{
	unsigned modes = ka_call_has(c, "t") + ka_call_has(c, "s") + ka_call_has(c, "S") + ka_call_has(c, "d") +
			 ka_call_has(c, "D") + ka_call_has(c, "R");
	const struct ka_module **list;
	const struct ka_error *fault = ka_module_fault(c->k);
	const struct ka_module_gone *gone = NULL;
	struct ka_error *err;
	size_t count, gone_count = ka_call_has(c, "t") ? ka_modules_gone(c->k, c->arena, &gone) : 0;

	if (fault)
		ka_call_fault(c, ka_error_at(fault->code, fault->space, fault->addr, "%s", fault->message));
	if (!ka_module_count(c->k) && !gone_count) {
		if (!fault)
			ka_out_note(c->out, "no modules are loaded in this kernel");
		return NULL;
	}
	list = ka_alloc(c->arena, (ka_module_count(c->k) + (size_t)c->argc + 1) * sizeof(*list));
	if (modes > 1)
		return ka_call_usage(c, "only one of -t, -s, -S, -d, -D and -R");
	if (ka_call_has(c, "s") || ka_call_has(c, "S"))
		return load(c, list);
	if (ka_call_has(c, "d") || ka_call_has(c, "D"))
		return unload(c);
	for (size_t i = 0; ka_call_has(c, "R") && i < ka_module_count(c->k); i++)
		ka_module_unload(c->k, ka_module_nth(c->k, i));
	err = choose(c, list, &count, gone, gone_count);
	if (err)
		return err;
	if (ka_call_has(c, "t"))
		taints_out(c, list, count, gone, gone_count);
	else
		list_out(c, list, count);
	return NULL;
}

static const struct ka_option options[] = {
	{ "t", NULL, "only modules that taint the kernel, and how; also those that are gone, as far as the kernel kept them", false },
	{ "s", "MODULE", "load the debuginfo of one module, from FILE or where it is found", false },
	{ "S", NULL, "load the debuginfo of all modules, first looked for below DIR", false },
	{ "d", "MODULE", "forget the debuginfo of one module", false },
	{ "D", NULL, "forget the debuginfo of all modules", false },
	{ "g", NULL, "where the sections of each module lie", false },
	{ "R", NULL, "forget the debuginfo of all modules, and list them", false },
	{ "r", NULL, "crash's: debuginfo is read at once; here it is read as it is needed, always", false },
	{ "o", NULL, "crash's: its older way of loading symbols; here there is one way", false },
	{ NULL, NULL, NULL, false },
};

static const struct ka_rows *const rows[] = { &ka_rows_mod_row, &ka_rows_mod_range, &ka_rows_mod_section, &ka_rows_mod_taint, NULL };

const struct ka_command ka_command_mod = {
	.name = "mod",
	.args = "[-g] [[-t] [MODULE | ADDR]... | [-r] [-o] -s MODULE [FILE] | [-r] [-o] -S [DIR] | -d MODULE | -D | -R]",
	.brief = "loaded modules",
	.help =
		"Modules by the address of their text: struct module, name, base, bytes they take, and\n"
		"the file their debuginfo was read from. Symbols of modules are always there: they are\n"
		"read from the dump itself. Debuginfo gives source lines; it is sought by build-id and by\n"
		"name beside the vmlinux, below the directory of the release and in /usr/lib/debug. ADDR\n"
		"is of the struct module or any address within the module.\n"
		"\n"
		"-t: of modules that were unloaded a kernel keeps the last one (6.0), and all that tainted it when it\n"
		"was built so (5.19): they stand at the end, marked (unloaded).\n"
		"\n"
		"    mod\n"
		"    mod -t\n"
		"    mod ext4\n"
		"    mod -g ext4\n"
		"    mod -s nf_conntrack\n"
		"    mod -S /srv/debuginfo\n",
	.options = options,
	.needs = KA_NEED_TYPES | KA_NEED_SYMBOLS,
	.rows = rows,
	.run = run,
};
