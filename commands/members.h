/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* -s and -S of list, tree and sbitmapq: members of the object that each step finds, as text and as a tree for JSON. */
#ifndef KA_MEMBERS_H
#define KA_MEMBERS_H

#include <kanalyze/command.h>
#include <kanalyze/filter.h>
#include <kanalyze/value.h>

struct members_of {
	const char *type;		/* "task_struct" */
	const char *paths;		/* "pid,comm"; NULL: the whole struct */
	struct ka_value whole;		/* of that type, at address 0 */
};

struct members {
	struct ka_call *c;
	struct members_of *of;
	size_t count;
	bool is_direct;			/* -S: integers straight from memory, unsigned */
	struct ka_print how;
};

/* From the options -s, -S, -x and -d of the call. Errors: they exclude each other, or there is no such struct or member. */
struct ka_error *members_open(struct ka_call *c, struct members *ret) KA_MUST_CHECK;
/*
 * Of the object at an address, allocated in the arena: the lines, each with a line break before it, and an object with a
 * key for each member (or struct). What cannot be read is told as a fault.
 */
void members_read(const struct members *m, struct ka_arena *a, ka_addr at, const char **ret_text, const struct ka_node **ret_tree);

/*
 * --where: of objects of the type that -s or -S names, else of the one in OFFSET ("task_struct.tasks", may be NULL). The
 * expression knows an object by its type's name, and its members by theirs. *ret NULL: no --where.
 */
struct ka_error *members_filter(const struct members *m, const char *offset, struct ka_filter **ret) KA_MUST_CHECK;
/* Is it wanted? Faults are told. */
bool members_wanted(const struct members *m, struct ka_filter *f, ka_addr at);

/* 16, 10, or 0 where neither -x nor -d is given; both: an error. */
struct ka_error *members_radix(struct ka_call *c, unsigned *ret) KA_MUST_CHECK;

/* "STRUCT.MEMBER", or a number of bytes: decimal, or hexadecimal with 0x or a digit a-f. ret_type (may be NULL): the member's, or NULL. */
struct ka_error *offset_parse(struct ka_call *c, const char *option, const char *text, uint64_t *ret, const char **ret_type) KA_MUST_CHECK;
/* An expression whose value is a kernel address. */
struct ka_error *start_parse(struct ka_call *c, const char *text, ka_addr *ret) KA_MUST_CHECK;

#endif
