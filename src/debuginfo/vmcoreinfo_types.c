/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Types from VMCOREINFO, where there is no vmlinux. Its lines OFFSET(), SIZE() and LENGTH() say where members lie, but
 * not how large they are: that is in the table here, for the structs of the kernel log and of uname.
 */
#include <ctype.h>
#include <stdio.h>
#include "debuginfo.h"

#define VALUE_MAX (1u << 20)	/* no struct or array of the table comes near */

/* Ids of the base types; structs and arrays come after them. */
enum { ID_VOID = 1, ID_POINTER, ID_CHAR, ID_U8, ID_U16, ID_U32, ID_U64, ID_LONG, ID_ULONG, ID_BASE_END };

struct known {
	const char *in, *name;
	uint32_t base;		/* id of a base type, or ... */
	const char *type;	/* ... name of a struct of this table */
	const char *length;	/* an array of base, of LENGTH(length) elements ... */
	uint32_t count;		/* ... or of this many */
	/* VMCOREINFO does not tell the place: it is this many bytes behind that of another member (NULL: the struct's start). */
	bool is_derived;
	const char *from;
	uint16_t distance;
	uint8_t bit, bits;	/* of a bitfield */
	const char *until;	/* an array that ends where this member starts: how long it is depends on the configuration */
};

/*
 * facility and the byte of flags and level stand behind text_len (dict_len), before caller_id, since 084681d14e42 (v3.6;
 * v3.5 had a u16 level there, whose high bits were the facility). Were that to change, VMCOREINFO would not tell.
 */
#define FACILITY_FLAGS_LEVEL(s, behind)								\
	{ s, "facility", ID_U8, .is_derived = true, .from = behind, .distance = 2 },		\
	{ s, "flags", ID_U8, .is_derived = true, .from = behind, .distance = 3, .bit = 0, .bits = 5 },	\
	{ s, "level", ID_U8, .is_derived = true, .from = behind, .distance = 3, .bit = 5, .bits = 3 }

#define RECORD(s)				\
	{ s, "ts_nsec", ID_U64 },		\
	{ s, "len", ID_U16 },			\
	{ s, "text_len", ID_U16 },		\
	{ s, "dict_len", ID_U16 },		\
	FACILITY_FLAGS_LEVEL(s, "dict_len"),	\
	{ s, "caller_id", ID_U32 }

/* struct new_utsname is user-space ABI: six arrays of 65. */
#define UTS_NAME(n, member) { "new_utsname", member, ID_CHAR, .count = 65, .is_derived = true, .distance = 65 * (n) }

/* Members of a struct stand together. */
static const struct known known[] = {
	/* the lockless ring: 896fbe20b4e2, v5.10 */
	{ "printk_ringbuffer", "desc_ring", .type = "prb_desc_ring" },
	{ "printk_ringbuffer", "text_data_ring", .type = "prb_data_ring" },
	{ "printk_ringbuffer", "fail", .type = "atomic_long_t" },
	{ "prb_desc_ring", "count_bits", ID_U32 },
	{ "prb_desc_ring", "descs", ID_POINTER },
	{ "prb_desc_ring", "infos", ID_POINTER },
	{ "prb_desc_ring", "head_id", .type = "atomic_long_t" },
	{ "prb_desc_ring", "tail_id", .type = "atomic_long_t" },
	{ "prb_desc", "state_var", .type = "atomic_long_t" },
	{ "prb_desc", "text_blk_lpos", .type = "prb_data_blk_lpos" },
	{ "prb_data_blk_lpos", "begin", ID_ULONG },
	{ "prb_data_blk_lpos", "next", ID_ULONG },
	{ "printk_info", "seq", ID_U64 },
	{ "printk_info", "ts_nsec", ID_U64 },
	{ "printk_info", "text_len", ID_U16 },
	FACILITY_FLAGS_LEVEL("printk_info", "text_len"),
	{ "printk_info", "caller_id", ID_U32 },
	/* behind a second half of caller_id, with CONFIG_PRINTK_EXECUTION_CTX (v6.19) */
	{ "printk_info", "comm", ID_CHAR, .is_derived = true, .from = "caller_id", .distance = 8, .until = "dev_info" },
	{ "printk_info", "dev_info", .type = "dev_printk_info" },
	{ "dev_printk_info", "subsystem", ID_CHAR, .length = "printk_info_subsystem" },
	{ "dev_printk_info", "device", ID_CHAR, .length = "printk_info_device" },
	{ "prb_data_ring", "size_bits", ID_U32 },
	{ "prb_data_ring", "data", ID_POINTER },
	{ "prb_data_ring", "head_lpos", .type = "atomic_long_t" },
	{ "prb_data_ring", "tail_lpos", .type = "atomic_long_t" },
	{ "atomic_long_t", "counter", ID_LONG },
	{ "latched_seq", "val", ID_U64, .count = 2 },	/* v5.12 */
	/* records of variable length: v3.5; struct log until 62e32ac3505a, v3.11 */
	RECORD("printk_log"),
	RECORD("log"),
	{ "list_head", "next", ID_POINTER },
	{ "list_head", "prev", ID_POINTER },
	{ "uts_namespace", "name", .type = "new_utsname" },
	UTS_NAME(0, "sysname"), UTS_NAME(1, "nodename"), UTS_NAME(2, "release"), UTS_NAME(3, "version"),
	UTS_NAME(4, "machine"), UTS_NAME(5, "domainname"),
};

struct type {
	enum ka_type_kind kind;
	const char *name;
	uint64_t size;
	bool is_signed;
	uint32_t target;
	uint64_t count;
	struct ka_type_part *parts;
	size_t part_count;
};

struct vmcoreinfo_types {
	struct ka_types types;
	struct ka_arena *arena;
	struct { KA_VEC(struct type); } all;	/* id - 1 */
};

static struct vmcoreinfo_types *of(struct ka_types *t)
{
	return t->priv;
}

/* The number of "WORD(a.b)=number" (b may be NULL) in the text, which may be broken. NUL ends a line, too. */
static bool number(const char *text, size_t size, const char *word, const char *a, const char *b, uint64_t *ret)
{
	char key[128];
	int n = snprintf(key, sizeof(key), "%s(%s%s%s)=", word, a, b ? "." : "", b ? b : "");

	for (const char *line = text, *end = text + size; line < end;) {
		const char *stop = line;

		while (stop < end && *stop && *stop != '\n')
			stop++;

		if (stop - line > n && !memcmp(line, key, (size_t)n)) {
			const char *digit = line + n;

			for (*ret = 0; digit < stop && isdigit((unsigned char)*digit) && *ret <= VALUE_MAX; digit++)
				*ret = *ret * 10 + (uint64_t)(*digit - '0');
			return digit > line + n && (digit == stop || *digit == '\r') && *ret <= VALUE_MAX;
		}
		line = stop + 1;
	}
	return false;
}

static uint32_t add(struct vmcoreinfo_types *v, struct type type)
{
	ka_vec_push(&v->all, type);
	return (uint32_t)v->all.n;
}

static uint32_t struct_id(const struct vmcoreinfo_types *v, const char *name)
{
	for (size_t i = 0; i < v->all.n; i++)
		if (v->all.at[i].kind == KA_TYPE_STRUCT && !strcmp(v->all.at[i].name, name))
			return (uint32_t)i + 1;
	return 0;
}

static void add_base(struct vmcoreinfo_types *v, unsigned long_size)
{
	add(v, (struct type){ .kind = KA_TYPE_VOID, .name = "void" });
	add(v, (struct type){ .kind = KA_TYPE_POINTER, .size = long_size, .target = ID_VOID });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "char", .size = 1, .is_signed = true });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "unsigned char", .size = 1 });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "short unsigned int", .size = 2 });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "unsigned int", .size = 4 });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "long long unsigned int", .size = 8 });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "long int", .size = long_size, .is_signed = true });
	add(v, (struct type){ .kind = KA_TYPE_INT, .name = "long unsigned int", .size = long_size });
}

/* Where the member lies and of which type it is; false: this kernel does not tell. */
static bool part_make(struct vmcoreinfo_types *v, const char *text, size_t size, const struct known *m,
		      struct ka_type_part *ret)
{
	uint64_t offset = 0, count = m->count, until;
	uint32_t id = m->type ? struct_id(v, m->type) : m->base;

	if (!m->is_derived) {
		if (!number(text, size, "OFFSET", m->in, m->name, &offset))
			return false;
	} else if (m->from && !number(text, size, "OFFSET", m->in, m->from, &offset)) {
		return false;
	}
	offset += m->distance;
	if (m->until) {
		if (!number(text, size, "OFFSET", m->in, m->until, &until) || until < offset + 16)
			return false;
		count = until - offset;
	}
	if (m->length && (!number(text, size, "LENGTH", m->length, NULL, &count) || !count))
		return false;
	if (!id)
		return false;
	if (count)
		id = add(v, (struct type){ .kind = KA_TYPE_ARRAY, .size = count * v->all.at[id - 1].size, .target = id,
					   .count = count });
	*ret = (struct ka_type_part){ .name = m->name, .offset_bits = offset * 8 + m->bit, .bit_size = m->bits, .type = id };
	return true;
}

static void struct_fill(struct vmcoreinfo_types *v, const char *text, size_t size, const struct known *m, size_t count,
			uint32_t id)
{
	struct ka_type_part *parts = ka_alloc(v->arena, count * sizeof(*parts));
	uint64_t end = 0, told;
	size_t n = 0;

	for (size_t i = 0; i < count; i++)
		if (part_make(v, text, size, &m[i], &parts[n]))
			n++;
	for (size_t i = 0; i < n; i++)
		end = KA_MAX(end, parts[i].offset_bits / 8 + v->all.at[parts[i].type - 1].size);
	struct type *t = &v->all.at[id - 1];	/* only now: making parts moves the array */

	t->parts = parts;
	t->part_count = n;
	t->size = number(text, size, "SIZE", t->name, NULL, &told) ? KA_MAX(told, end) : end;
}

/* Members of known[i]'s struct, from i on. */
static size_t group(size_t i)
{
	size_t n = 1;

	while (i + n < KA_COUNT(known) && !strcmp(known[i].in, known[i + n].in))
		n++;
	return n;
}

/* Is anything told of the struct? */
static bool is_told(const char *text, size_t size, size_t at, size_t count)
{
	uint64_t unused;

	if (known[at].is_derived && !known[at].from)	/* the ABI's, the same everywhere */
		return true;
	if (number(text, size, "SIZE", known[at].in, NULL, &unused))
		return true;
	for (size_t i = at; i < at + count; i++)
		if (!known[i].is_derived && number(text, size, "OFFSET", known[i].in, known[i].name, &unused))
			return true;
	return false;
}

/* ---- the operations ---- */

static const struct type *type_of(struct ka_types *t, uint32_t id)
{
	return &of(t)->all.at[id && id <= of(t)->all.n ? id - 1 : 0];
}

static uint32_t find(struct ka_types *t, enum ka_type_kind kind, const char *name)
{
	for (size_t i = 0; i < of(t)->all.n; i++) {
		const struct type *type = &of(t)->all.at[i];

		if (type->kind == kind && type->name && !strcmp(type->name, name))
			return (uint32_t)i + 1;
	}
	return 0;
}

static bool enumerator(struct ka_types *t, const char *name, int64_t *ret)
{
	(void)t, (void)name, (void)ret;
	return false;
}

static void close_types(struct ka_types *t)
{
	struct vmcoreinfo_types *v = of(t);

	ka_vec_free(&v->all);
	ka_arena_free(v->arena);
	free(v);
}

static struct ka_error *type_size(struct ka_types *t, uint32_t id, uint64_t *ret)
{
	*ret = type_of(t, id)->size;
	return NULL;
}

static bool member(struct ka_types *t, uint32_t id, const char *name, uint64_t *ret_offset_bits, uint32_t *ret_bit_size,
		   uint32_t *ret_type)
{
	const struct type *type = type_of(t, id);

	for (size_t i = 0; i < type->part_count; i++) {
		if (strcmp(type->parts[i].name, name))
			continue;
		*ret_offset_bits = type->parts[i].offset_bits;
		*ret_bit_size = type->parts[i].bit_size;
		*ret_type = type->parts[i].type;
		return true;
	}
	return false;
}

static void describe(struct ka_types *t, uint32_t id, struct ka_type_brief *ret)
{
	const struct type *type = type_of(t, id);

	*ret = (struct ka_type_brief){
		.kind = type->kind, .size = type->size, .is_signed = type->is_signed, .name = type->name,
		.target = type->target, .count = type->count,
	};
}

static void step(struct ka_types *t, uint32_t id, struct ka_type_step *ret)
{
	const struct type *type = type_of(t, id);

	*ret = (struct ka_type_step){
		.kind = type->kind, .size = type->size, .is_signed = type->is_signed, .name = type->name,
		.target = type->target, .count = type->count, .is_char = type->kind == KA_TYPE_INT && type->size == 1,
	};
}

static size_t params(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	(void)t, (void)id, (void)a;
	*ret = NULL;
	return 0;
}

static size_t named(struct ka_types *t, const char *name, struct ka_arena *a, struct ka_type_named **ret)
{
	(void)t, (void)name, (void)a;
	*ret = NULL;
	return 0;
}

static size_t find_all(struct ka_types *t, enum ka_type_kind kind, const char *name, struct ka_arena *a, struct ka_type_named **ret)
{
	uint32_t id = find(t, kind, name);

	*ret = ka_alloc(a, sizeof(**ret));
	(*ret)->id = id;
	return id != 0;
}

static size_t members(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	const struct type *type = type_of(t, id);

	*ret = ka_alloc(a, (type->part_count + 1) * sizeof(**ret));
	if (type->part_count)
		memcpy(*ret, type->parts, type->part_count * sizeof(**ret));
	return type->part_count;
}

static size_t enumerators(struct ka_types *t, uint32_t id, struct ka_arena *a, struct ka_type_part **ret)
{
	(void)t, (void)id, (void)a;
	*ret = NULL;
	return 0;
}

static void each_name(struct ka_types *t, void (*fn)(void *ctx, enum ka_type_kind kind, const char *name, uint32_t id), void *ctx)
{
	for (size_t i = 0; i < of(t)->all.n; i++) {
		const struct type *type = &of(t)->all.at[i];

		if (type->name && (type->kind == KA_TYPE_STRUCT || type->kind == KA_TYPE_INT))
			fn(ctx, type->kind, type->name, (uint32_t)i + 1);
	}
}

static const struct ka_types_ops ops = {
	.name = "VMCOREINFO",
	.find = find,
	.enumerator = enumerator,
	.close = close_types,
	.size = type_size,
	.member = member,
	.describe = describe,
	.step = step,
	.params = params,
	.named = named,
	.find_all = find_all,
	.members = members,
	.enumerators = enumerators,
	.each_name = each_name,
};

struct ka_types *ka_types_open_vmcoreinfo(const char *text, size_t size, unsigned long_size, bool is_big_endian)
{
	struct vmcoreinfo_types *v = ka_xalloc(sizeof(*v));

	v->types = (struct ka_types){ .ops = &ops, .priv = v, .is_big_endian = is_big_endian, .long_size = long_size };
	v->arena = ka_arena_new();
	add_base(v, long_size);
	for (size_t i = 0; i < KA_COUNT(known); i += group(i))
		if (is_told(text, size, i, group(i)))
			add(v, (struct type){ .kind = KA_TYPE_STRUCT, .name = known[i].in });
	/* Twice: the first time for the sizes of what lies within others, whichever stands first in the table. */
	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < KA_COUNT(known); i += group(i)) {
			uint32_t id = struct_id(v, known[i].in);

			if (id)
				struct_fill(v, text, size, &known[i], group(i), id);
		}
	}
	return &v->types;
}
