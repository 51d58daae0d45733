/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Types as C writes them: what is declared stands in the middle of its type. */
#include <inttypes.h>
#include "printer.h"

#define STEPS_MAX 96		/* pointers, arrays, functions, qualifiers of one type: hostile ones go in circles, and each step looks ahead */
#define PARAMS_DEPTH_MAX 8	/* functions that take functions */
#define TEXT_MAX 65536		/* of one declarator */
#define WORK_MAX 16384		/* steps of all declarators within one another */

/* The declarator so far, grown on both sides. work, below: steps of all so far. */
struct declarator {
	char *text;
};

static void around(struct declarator *d, const char *before, const char *after)
{
	char *text = ka_xprintf("%s%s%s", before, d->text, after);

	free(d->text);
	d->text = text;
}

/* Debuginfo writes "long unsigned int" where C's users write "unsigned long". */
static const char *usual_name(const char *name)
{
	static const char *const same[][2] = {
		{ "long unsigned int", "unsigned long" }, { "long long unsigned int", "unsigned long long" },
		{ "short unsigned int", "unsigned short" }, { "long int", "long" }, { "long long int", "long long" },
		{ "short int", "short" }, { "__int128 unsigned", "unsigned __int128" },
	};

	for (size_t i = 0; i < KA_COUNT(same); i++) {
		if (!strcmp(name, same[i][0]))
			return same[i][1];
	}
	return name;
}

static void params_add(struct ka_kernel *k, const struct ka_type *t, unsigned depth, unsigned *work, struct ka_str *to);

static const char *base_text(struct ka_kernel *k, const struct ka_type *t, const struct ka_type_info *info, struct ka_str *scratch)
{
	const char *word = info->kind == KA_TYPE_STRUCT ? "struct" : info->kind == KA_TYPE_UNION ? "union" : info->kind == KA_TYPE_ENUM ? "enum" : NULL;

	if (word) {
		ka_str_printf(scratch, "%s %s", word, info->name ? info->name : "{...}");
		return scratch->p;
	}
	if (info->kind == KA_TYPE_VOID)
		return "void";
	if (!t->types && info->kind != KA_TYPE_OTHER)
		return ka_type_builtin_name(k, t);
	return info->name ? usual_name(info->name) : "<unknown type>";
}

/* Is what a qualifier is of a pointer? Then it stands behind the star. */
static bool is_of_pointer(struct ka_kernel *k, struct ka_type t, unsigned *work)
{
	struct ka_type_info info;

	for (int i = 0; i < STEPS_MAX; i++) {
		(*work)++;
		ka_type_info(k, &t, &info);
		if (info.kind != KA_TYPE_CONST && info.kind != KA_TYPE_VOLATILE && info.kind != KA_TYPE_RESTRICT)
			return info.kind == KA_TYPE_POINTER;
		t = info.target;
	}
	return false;
}

static void text_add(struct ka_kernel *k, const struct ka_type *type, const char *name, unsigned depth, unsigned *work, struct ka_str *to)
{
	struct declarator d = { ka_xstrdup(name ? name : "") };
	bool is_const = false, is_volatile = false;
	struct ka_str scratch = {0};
	struct ka_type t = *type;
	struct ka_type_info info, below;
	const char *base;
	size_t len = 0;

	for (int step = 0; ; step++) {
		ka_type_info(k, &t, &info);
		*work += 1 + (unsigned)len / 256;
		len = strlen(d.text);
		if (step == STEPS_MAX || *work > WORK_MAX || len > TEXT_MAX)
			info = (struct ka_type_info){ .kind = KA_TYPE_OTHER };
		if (info.kind == KA_TYPE_POINTER) {
			ka_type_info(k, &info.target, &below);
			for (int i = 0; i < 3 && (below.kind == KA_TYPE_CONST || below.kind == KA_TYPE_VOLATILE); i++) {
				struct ka_type inner = below.target;

				ka_type_info(k, &inner, &below);
			}
			if (below.kind == KA_TYPE_ARRAY || below.kind == KA_TYPE_FUNC)
				around(&d, "(*", ")");
			else
				around(&d, "*", "");
		} else if (info.kind == KA_TYPE_ARRAY) {
			char bound[32] = "[]", *number = ka_xprintf("[%" PRIu64 "]", info.count);

			if (info.count && strlen(number) < sizeof(bound))
				strcpy(bound, number);
			free(number);
			around(&d, "", bound);
		} else if (info.kind == KA_TYPE_FUNC) {
			struct ka_str params = {0};

			params_add(k, &t, depth, work, &params);
			around(&d, "", params.p);
			ka_str_free(&params);
		} else if (info.kind == KA_TYPE_CONST || info.kind == KA_TYPE_VOLATILE || info.kind == KA_TYPE_RESTRICT) {
			const char *word = info.kind == KA_TYPE_CONST ? "const" : info.kind == KA_TYPE_VOLATILE ? "volatile" : "restrict";

			if (is_of_pointer(k, info.target, work)) {
				around(&d, d.text[0] ? " " : "", "");
				around(&d, word, "");
				/* "* const": the star comes next */
				around(&d, " ", "");
			} else {
				is_const |= info.kind == KA_TYPE_CONST;
				is_volatile |= info.kind == KA_TYPE_VOLATILE;
			}
		} else {
			break;
		}
		t = info.target;
	}
	base = base_text(k, &t, &info, &scratch);
	ka_str_printf(to, "%s%s%s", is_const ? "const " : "", is_volatile ? "volatile " : "", base);
	if (d.text[0])
		ka_str_printf(to, " %s", d.text);
	ka_str_free(&scratch);
	free(d.text);
}

static void params_add(struct ka_kernel *k, const struct ka_type *t, unsigned depth, unsigned *work, struct ka_str *to)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_type_field *params = NULL;
	size_t n = depth < PARAMS_DEPTH_MAX ? ka_type_params(k, t, a, &params) : 0;

	ka_str_addc(to, '(');
	for (size_t i = 0; i < n && to->len < TEXT_MAX && *work <= WORK_MAX; i++) {
		if (i)
			ka_str_add(to, ", ");
		if (params[i].name && !strcmp(params[i].name, "..."))
			ka_str_add(to, "...");
		else
			text_add(k, &params[i].type, NULL, depth + 1, work, to);
	}
	if (depth >= PARAMS_DEPTH_MAX)
		ka_str_add(to, "...");
	else if (!n)
		ka_str_add(to, "void");
	ka_str_addc(to, ')');
	ka_arena_free(a);
}

void ka_type_text(struct ka_kernel *k, const struct ka_type *type, const char *name, struct ka_str *to)
{
	unsigned work = 0;

	text_add(k, type, name, 0, &work, to);
}
