/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors as values: what went wrong, at which address of which space, and while doing what. */
#ifndef KANALYZE_ERROR_H
#define KANALYZE_ERROR_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#define KA_PRINTF(f, a) __attribute__((format(__printf__, f, a)))
#define KA_MUST_CHECK   __attribute__((warn_unused_result))

enum ka_error_code {
	KA_MISSING,	/* a symbol, type or member that this kernel does not have */
	KA_NOT_FOUND,	/* what the user asked for is not there */
	KA_UNMAPPED,	/* the page tables say no */
	KA_EXCLUDED,	/* filtered out by makedumpfile: not a corruption */
	KA_TRUNCATED,	/* the file ends before */
	KA_CORRUPT,	/* the data contradicts itself */
	KA_FORMAT,	/* not a file of the kind expected */
	KA_UNSUPPORTED,
	KA_USAGE,
	KA_INTERRUPTED,	/* Ctrl-C */
	KA_IO,		/* the operating system said no */
	KA_NOT_PRESENT,	/* swapped out, or on its way between two places: the message says where it is */
};

enum ka_space { KA_SPACE_NONE, KA_SPACE_VIRT, KA_SPACE_PHYS, KA_SPACE_USER, KA_SPACE_FILE };

struct ka_error {
	enum ka_error_code code;
	enum ka_space space;	/* of addr; KA_SPACE_NONE: no address */
	uint64_t addr;
	char *message;		/* whole text, outermost action first: "cannot read X: ..." */
	char *detail;		/* lines that point at the fault, for terminals: an expression and a caret; NULL: none */
};

/*
 * NULL is success. An error belongs to whoever holds the pointer and is given up
 * with ka_error_free(), or passed on, wrapped or not.
 */
struct ka_error *ka_error_new(enum ka_error_code code, const char *fmt, ...) KA_PRINTF(2, 3) KA_MUST_CHECK __attribute__((returns_nonnull));
struct ka_error *ka_error_at(enum ka_error_code code, enum ka_space space, uint64_t addr,
			     const char *fmt, ...) KA_PRINTF(4, 5) KA_MUST_CHECK __attribute__((returns_nonnull));
/* Puts "what was being done: " before the message. Takes and returns ownership; NULL stays NULL. */
struct ka_error *ka_error_wrap(struct ka_error *err, const char *fmt, ...) KA_PRINTF(2, 3) KA_MUST_CHECK;
void ka_error_free(struct ka_error *err);
/* Logs (-d 3) and frees err. */
void ka_error_dispose(struct ka_error *err);
/* Frees err; true when there was one. For "else fall back". Inline, so that compilers see that what succeeded set its results. */
static inline bool ka_error_drop(struct ka_error *err)
{
	if (!err)
		return false;
	ka_error_dispose(err);
	return true;
}
/* True, and err freed and *err = NULL, when *err is of this code. Else *err is left alone. */
bool ka_error_catch(struct ka_error **err, enum ka_error_code code);
/* "MISSING", "EXCLUDED" ... as JSON shows it. */
const char *ka_error_code_name(enum ka_error_code code);

#endif
