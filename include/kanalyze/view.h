/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Views: a host struct lists what is needed, in host types; the field table says
 * where in the kernel's struct each comes from. Presence of members decides, never
 * the kernel's version. The view has the tag of the host struct:
 *
 *	struct task_brief { int32_t pid; uint64_t state; ka_addr tasks_at; char comm[16]; };
 *	KA_VIEW(task_brief, ("task_struct"),
 *		KA_FROM(task_brief, pid, "pid"),
 *		KA_FROM(task_brief, state, "__state", "state"),
 *		KA_AT(task_brief, tasks_at, "tasks"),
 *		KA_FROM(task_brief, comm, "comm"));
 *	struct task_brief t;
 *	err = ka_view_read(k, &ka_view_task_brief, addr, &t);
 */
#ifndef KANALYZE_VIEW_H
#define KANALYZE_VIEW_H

#include <kanalyze/memory.h>

#define KA_VIEW_ALTERNATIVES 6

enum ka_field_kind {
	KA_FIELD_UINT, KA_FIELD_INT,	/* width and sign of the kernel's member are converted */
	KA_FIELD_BYTES,			/* char and byte arrays: as much as fits is copied, the rest zeroed */
	KA_FIELD_AT,			/* the address of the member, not its content */
	KA_FIELD_SIZE,			/* the size in bytes of the member, not its content */
};

struct ka_field {
	const char *name;		/* of the host member, for messages */
	uint16_t offset, size;		/* of the host member */
	uint8_t kind;			/* enum ka_field_kind */
	bool is_maybe;			/* absent is no error: the host member is then 0 */
	const char *paths[KA_VIEW_ALTERNATIVES];	/* tried in order; grammar of ka_type_member() */
};

struct ka_view {
	const char *name;
	const char *const *types;	/* alternatives of the struct's name, NULL-terminated */
	const struct ka_field *fields;
	uint32_t field_count, host_size;
};

#define KA_FIELD_KIND(s, m) _Generic((((struct s *)0)->m),						\
	char *: KA_FIELD_BYTES, unsigned char *: KA_FIELD_BYTES,				\
	int8_t: KA_FIELD_INT, int16_t: KA_FIELD_INT, int32_t: KA_FIELD_INT, int64_t: KA_FIELD_INT,	\
	default: KA_FIELD_UINT)
#define KA_FIELD_(s, m, k, maybe, ...) { .name = #m, .offset = offsetof(struct s, m), .size = sizeof(((struct s *)0)->m),	\
	.kind = (k), .is_maybe = (maybe), .paths = { __VA_ARGS__ } }

#define KA_FROM(s, m, ...)	KA_FIELD_(s, m, KA_FIELD_KIND(s, m), false, __VA_ARGS__)
#define KA_MAYBE(s, m, ...)	KA_FIELD_(s, m, KA_FIELD_KIND(s, m), true, __VA_ARGS__)
/* The address of a member: list heads, embedded structs. */
#define KA_AT(s, m, ...)	KA_FIELD_(s, m, KA_FIELD_AT, false, __VA_ARGS__)
#define KA_AT_MAYBE(s, m, ...)	KA_FIELD_(s, m, KA_FIELD_AT, true, __VA_ARGS__)
#define KA_SIZE(s, m, ...)	KA_FIELD_(s, m, KA_FIELD_SIZE, false, __VA_ARGS__)
#define KA_SIZE_MAYBE(s, m, ...) KA_FIELD_(s, m, KA_FIELD_SIZE, true, __VA_ARGS__)

#define KA_TYPES_(...) { __VA_ARGS__, NULL }
/* KA_VIEW(tag, ("struct name", "older name" ...), fields ...): listed in the linker section ka_views for the tests. */
#define KA_VIEW(tag, types_, ...)								\
	static const char *const ka_view_types_##tag[] = KA_TYPES_ types_;			\
	static const struct ka_field ka_view_fields_##tag[] = { __VA_ARGS__ };			\
	const struct ka_view ka_view_##tag = { #tag, ka_view_types_##tag, ka_view_fields_##tag,	\
		KA_COUNT(ka_view_fields_##tag), sizeof(struct tag) };				\
	static const struct ka_view *const ka_view_entry_##tag					\
		__attribute__((used, section("ka_views"), aligned(8))) = &ka_view_##tag

/* One struct at addr into *ret_host. Needed members that this kernel lacks: MISSING, naming struct and member. */
struct ka_error *ka_view_read(struct ka_kernel *k, const struct ka_view *v, ka_addr at, void *ret_host) KA_MUST_CHECK;
/*
 * As far as it can be read: members that cannot be are 0 in *ret_host, and *ret_gap is the first error (the caller's; NULL:
 * nothing lacks). The error is returned when no member could be read at all.
 */
struct ka_error *ka_view_read_partly(struct ka_kernel *k, const struct ka_view *v, ka_addr at, void *ret_host,
				     struct ka_error **ret_gap) KA_MUST_CHECK;
/* From bytes of the whole kernel struct that were read before (for arrays of structs); at is where they came from. */
struct ka_error *ka_view_parse(struct ka_kernel *k, const struct ka_view *v, ka_addr at, const void *bytes, size_t size,
			       void *ret_host) KA_MUST_CHECK;
/* Binds without reading: does this kernel have all that the view needs? */
struct ka_error *ka_view_bind(struct ka_kernel *k, const struct ka_view *v) KA_MUST_CHECK;
/* Does this kernel have the member? For KA_MAYBE fields. */
#define KA_HAS(k, tag, member) ka_view_has(k, &ka_view_##tag, offsetof(struct tag, member))
bool ka_view_has(struct ka_kernel *k, const struct ka_view *v, size_t host_offset);
/* Offset in the kernel's struct of what a host member comes from; for container_of. 0 when absent. */
#define KA_OFFSET(k, tag, member) ka_view_offset(k, &ka_view_##tag, offsetof(struct tag, member))
uint64_t ka_view_offset(struct ka_kernel *k, const struct ka_view *v, size_t host_offset);
/* sizeof the kernel's struct; 0 when the view does not bind. */
uint64_t ka_view_size(struct ka_kernel *k, const struct ka_view *v);
/* Which alternative won: its path, or NULL. For the shape test and doc/KERNELS.md. */
const char *ka_view_won(struct ka_kernel *k, const struct ka_view *v, size_t field, const char **ret_type);

#endif
