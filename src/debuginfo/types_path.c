/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Paths into a struct: "a.b[3].c@TYPE" to an offset and a type, and what to say when there is no such member. */
#include <ctype.h>
#include "debuginfo.h"

#define NAME_MAX_	256
#define ALIASES_MAX	64	/* typedefs of typedefs */
#define ANONYMOUS_MAX	12
#define CANDIDATES_MAX	4096	/* members looked at for a suggestion */

/* What is left of a path, and where it has led so far. */
struct path {
	struct ka_types *t;
	const char *type, *whole, *at;	/* the root's name, the path, what is still to come */
	uint32_t id;			/* the type reached */
	uint64_t offset_bits;
	uint32_t bit_size;
	bool is_quiet;			/* nobody will read the error */
};

/* What stands for every error when is_quiet. */
static struct ka_error quiet_error;

#define FAIL(p, code, ...) ((p)->is_quiet ? &quiet_error : ka_error_new(code, __VA_ARGS__))

static const char *kind_word(enum ka_type_kind kind)
{
	return kind == KA_TYPE_UNION ? "union" : kind == KA_TYPE_ENUM ? "enum" : "struct";
}

/* ---- the nearest name ---- */

/* Letters that must be changed, put in or left out, up to 3; more is 3. */
static unsigned distance(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);
	uint8_t row[64];

	if (n >= KA_COUNT(row) || m >= KA_COUNT(row) || (n > m ? n - m : m - n) > 2)
		return 3;
	for (size_t j = 0; j <= m; j++)
		row[j] = (uint8_t)j;
	for (size_t i = 1; i <= n; i++) {
		uint8_t corner = row[0], least;

		row[0] = least = (uint8_t)i;
		for (size_t j = 1; j <= m; j++) {
			uint8_t above = row[j];

			row[j] = KA_MIN(KA_MIN(above, row[j - 1]) + 1, corner + (a[i - 1] != b[j - 1]));
			least = KA_MIN(least, row[j]);
			corner = above;
		}
		if (least > 2)
			return 3;
	}
	return row[m];
}

static const char *stem(const char *name)
{
	return name + strspn(name, "_");
}

static void nearest(struct ka_types *t, uint32_t id, const char *name, struct ka_arena *a, unsigned depth, unsigned *budget,
		    unsigned *best, const char **ret)
{
	struct ka_type_part *parts;
	size_t n = t->ops->members(t, id, a, &parts);

	for (size_t i = 0; i < n && *budget; i++) {
		unsigned d;

		--*budget;
		if (!parts[i].name) {
			if (depth < ANONYMOUS_MAX)
				nearest(t, parts[i].type, name, a, depth + 1, budget, best, ret);
			continue;
		}
		/* state and __state are what kernels do to each other's members. */
		d = strcmp(stem(name), stem(parts[i].name)) ? distance(name, parts[i].name) : 0;
		if (d > 2 || d * 3 > strlen(name))
			continue;
		d = d * 2 + (*stem(name) != *stem(parts[i].name));
		if (d < *best) {
			*best = d;
			*ret = parts[i].name;
		}
	}
}

static struct ka_error *no_member(const struct path *p, const struct ka_type_brief *in, const char *name)
{
	const char *tag = in->name ? in->name : in->typedef_name;
	unsigned best = 6, budget = CANDIDATES_MAX;
	const char *near = NULL;
	struct ka_arena *a;
	struct ka_error *err;

	if (p->is_quiet)
		return &quiet_error;
	a = ka_arena_new();
	nearest(p->t, p->id, name, a, 0, &budget, &best, &near);
	if (tag)
		err = ka_error_new(KA_MISSING, "%s %s has no member named '%s'%s%s%s", kind_word(in->kind), tag, name,
				   near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	else
		err = ka_error_new(KA_MISSING, "'%.*s' of %s has no member named '%s'%s%s%s", (int)KA_MAX(p->at - p->whole - 1, 0), p->whole,
				   p->type, name, near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
	ka_arena_free(a);
	return err;
}

/* ---- steps ---- */

static struct ka_error *bad_syntax(const struct path *p, const char *what)
{
	return FAIL(p, KA_USAGE, "bad member path '%s' at '%s': %s", p->whole, p->at, what);
}

static size_t name_length(const char *s)
{
	size_t n = 0;

	if (!isalpha((unsigned char)*s) && *s != '_' && *s != '$')
		return 0;
	while (isalnum((unsigned char)s[n]) || s[n] == '_' || s[n] == '$')
		n++;
	return n;
}

/* Moves p on by bits. */
static struct ka_error *advance(struct path *p, uint64_t bits)
{
	if (__builtin_add_overflow(p->offset_bits, bits, &p->offset_bits))
		return FAIL(p, KA_CORRUPT, "%s.%s lies beyond all bounds", p->type, p->whole);
	return NULL;
}

static struct ka_error *step_member(struct path *p)
{
	size_t n = name_length(p->at);
	struct ka_type_brief brief;
	char name[NAME_MAX_];
	uint64_t offset_bits;
	uint32_t type;

	if (!n || n >= sizeof(name))
		return bad_syntax(p, "a member's name is expected");
	memcpy(name, p->at, n);
	name[n] = 0;
	p->t->ops->describe(p->t, p->id, &brief);
	if (brief.kind != KA_TYPE_STRUCT && brief.kind != KA_TYPE_UNION)
		return FAIL(p, KA_MISSING, "'%.*s' of %s is not a struct or union, so it has no member '%s'",
			    (int)KA_MAX(p->at - p->whole - 1, 0), p->whole, p->type, name);
	if (brief.is_declared_only)
		return FAIL(p, KA_MISSING, "%s %s is declared, but nowhere defined: no member '%s'", kind_word(brief.kind),
			    brief.name, name);
	if (!p->t->ops->member(p->t, p->id, name, &offset_bits, &p->bit_size, &type))
		return no_member(p, &brief, name);
	p->id = type;
	p->at += n;
	return advance(p, offset_bits);
}

static struct ka_error *read_index(struct path *p, size_t len, uint64_t *ret)
{
	char name[NAME_MAX_], *end;
	int64_t value;

	if (!len || len >= sizeof(name))
		return bad_syntax(p, "a number or an enumerator is expected between [ and ]");
	memcpy(name, p->at, len);
	name[len] = 0;
	if (isdigit((unsigned char)name[0])) {
		*ret = strtoull(name, &end, 0);
		return *end || *ret > INT64_MAX ? bad_syntax(p, "not a number") : NULL;
	}
	if (name_length(name) != len)
		return bad_syntax(p, "a number or an enumerator is expected between [ and ]");
	if (!p->t->ops->enumerator(p->t, name, &value))
		return FAIL(p, KA_MISSING, "%s.%s: this kernel has no enumerator named '%s'", p->type, p->whole, name);
	if (value < 0)
		return FAIL(p, KA_MISSING, "%s.%s: enumerator '%s' is %lld, which is no index", p->type, p->whole, name,
			    (long long)value);
	*ret = (uint64_t)value;
	return NULL;
}

static struct ka_error *step_index(struct path *p)
{
	struct ka_type_brief array, element;
	struct ka_error *err;
	const char *close;
	uint64_t i = 0, bits;

	p->at++;
	close = strchr(p->at, ']');
	if (!close)
		return bad_syntax(p, "']' is missing");
	err = read_index(p, (size_t)(close - p->at), &i);
	if (err)
		return err;
	p->t->ops->describe(p->t, p->id, &array);
	if (array.kind != KA_TYPE_ARRAY)
		return FAIL(p, KA_MISSING, "'%.*s' of %s is not an array", (int)(p->at - p->whole - 1), p->whole, p->type);
	/* A flexible array has as many elements as its owner says elsewhere. */
	if (array.count && i >= array.count)
		return FAIL(p, KA_MISSING, "'%.*s' of %s has %llu elements, so none at %llu", (int)(p->at - p->whole - 1),
			    p->whole, p->type, (unsigned long long)array.count, (unsigned long long)i);
	p->t->ops->describe(p->t, array.target, &element);
	if (__builtin_mul_overflow(element.size, i, &bits) || __builtin_mul_overflow(bits, 8, &bits))
		return FAIL(p, KA_CORRUPT, "%s.%s lies beyond all bounds", p->type, p->whole);
	p->id = array.target;
	p->bit_size = 0;
	p->at = close + 1;
	return advance(p, bits);
}

/* Does the type, or what its typedefs stand for, bear this name? "NAME *" asks for a pointer to one that does. */
static bool is_named(struct ka_types *t, uint32_t id, const char *name, size_t len)
{
	struct ka_type_brief brief;

	while (len && name[len - 1] == ' ')
		len--;
	t->ops->describe(t, id, &brief);
	if (len && name[len - 1] == '*')
		return brief.kind == KA_TYPE_POINTER && is_named(t, brief.target, name, len - 1);
	for (int i = 0; i < ALIASES_MAX && brief.typedef_name; i++) {
		if (!strncmp(brief.typedef_name, name, len) && !brief.typedef_name[len])
			return true;
		t->ops->describe(t, brief.aliased, &brief);
	}
	if (brief.kind == KA_TYPE_VOID)
		return len == 4 && !memcmp(name, "void", 4);
	if (brief.kind == KA_TYPE_STRUCT || brief.kind == KA_TYPE_UNION || brief.kind == KA_TYPE_ENUM) {
		const char *word = kind_word(brief.kind);
		size_t n = strlen(word);

		if (len > n && !strncmp(name, word, n) && name[n] == ' ') {
			name += n + 1;
			len -= n + 1;
		}
	}
	return brief.name && !strncmp(brief.name, name, len) && !brief.name[len];
}

static struct ka_error *step_guard(struct path *p)
{
	const char *name = p->at + 1;
	size_t len = strcspn(name, ".[@");
	struct ka_type_brief brief;

	if (!len)
		return bad_syntax(p, "a type's name is expected after '@'");
	if (!is_named(p->t, p->id, name, len)) {
		if (p->is_quiet)
			return &quiet_error;
		p->t->ops->describe(p->t, p->id, &brief);
		return FAIL(p, KA_MISSING, "'%.*s' of %s is of type %s here, not %.*s", (int)(p->at - p->whole), p->whole, p->type,
			    brief.typedef_name ? brief.typedef_name : brief.name ? brief.name :
			    brief.kind == KA_TYPE_POINTER ? "(pointer)" : brief.kind == KA_TYPE_ARRAY ? "(array)" : "(anonymous)",
			    (int)len, name);
	}
	p->at = name + len;
	return NULL;
}

static struct ka_error *walk(struct path *p)
{
	struct ka_error *err = step_member(p);

	while (!err && *p->at) {
		switch (*p->at) {
		case '.':
			p->at++;
			err = step_member(p);
			break;
		case '[':
			err = step_index(p);
			break;
		case '@':
			err = step_guard(p);
			break;
		default:
			err = bad_syntax(p, "'.', '[' or '@' is expected; pointers are not followed");
		}
	}
	return err;
}

/* Only a struct or union can be the root: by a tag, or a typedef of one. */
static uint32_t find_root(struct ka_types *t, const char *type)
{
	struct ka_type_brief brief;
	uint32_t id = ka_types_find(t, type);

	if (id) {
		t->ops->describe(t, id, &brief);
		if (brief.kind != KA_TYPE_STRUCT && brief.kind != KA_TYPE_UNION)
			id = 0;
	}
	return id;
}

static struct ka_error *resolve(struct path *p, struct ka_member *ret)
{
	struct ka_type_brief brief;
	struct ka_error *err;

	p->at = p->whole;
	p->id = find_root(p->t, p->type);
	if (!p->id)
		return FAIL(p, KA_MISSING, "this kernel has no struct or union named '%s'", p->type);
	err = walk(p);
	if (err)
		return err;
	p->t->ops->describe(p->t, p->id, &brief);
	if (brief.size == UINT64_MAX)
		return FAIL(p, KA_CORRUPT, "%s.%s: its size is beyond all bounds", p->type, p->whole);
	*ret = (struct ka_member){
		.offset = p->offset_bits / 8, .bit_offset = p->bit_size ? p->offset_bits % 8 : 0, .bit_size = p->bit_size,
		.size = brief.size, .count = brief.kind == KA_TYPE_ARRAY ? brief.count : 0, .kind = brief.kind,
		.is_signed = brief.is_signed, .type_name = brief.name,
	};
	return NULL;
}

struct ka_error *ka_types_member(struct ka_types *t, const char *type, const char *path, struct ka_member *ret)
{
	struct path p = { .t = t, .type = type, .whole = path };

	return resolve(&p, ret);
}

bool ka_types_has(struct ka_types *t, const char *type, const char *path)
{
	struct path p = { .t = t, .type = type, .whole = path, .is_quiet = true };
	struct ka_member member;

	return !resolve(&p, &member);
}
