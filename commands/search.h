/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the command search share. */
#ifndef KA_COMMANDS_SEARCH_H
#define KA_COMMANDS_SEARCH_H

#include <kanalyze/command.h>
#include <kanalyze/expr.h>
#include <kanalyze/search.h>
#include <kanalyze/task.h>

#define SEARCH_CONTEXT_MAX 4096u

struct search {
	struct ka_call *c;
	struct ka_search_for what;
	const char **names;	/* of values that were no plain numbers, else NULL */
	uint64_t context;	/* -x: values before and behind */
	enum ka_space space;
	ka_addr mm;		/* of user memory */
	const struct ka_task *task;	/* -t: whose stack it is */
	bool is_headed;		/* its heading is out */
	uint64_t matches;
};

extern const struct ka_rows ka_rows_search_task, ka_rows_search_match, ka_rows_search_sum;

struct ka_error *search_areas(struct search *s) KA_MUST_CHECK;
/* A match, as ka_search() tells it: ctx is the struct search. */
bool search_show(void *ctx, const struct ka_match *m);
void search_sum(struct search *s, uint64_t bytes, uint64_t missing, uint64_t bad);

#endif
