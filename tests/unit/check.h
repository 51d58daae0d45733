/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The little a unit test needs. A failed check is told and counted; the test goes on. */
#ifndef KA_CHECK_H
#define KA_CHECK_H

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int check_failures, check_count;

#define CHECK(cond) do {										\
	check_count++;											\
	if (!(cond)) {											\
		check_failures++;									\
		fprintf(stderr, "%s:%d: not true: %s\n", __FILE__, __LINE__, #cond);			\
	}												\
} while (0)
#define CHECK_INT(is, want) do {									\
	int64_t is_ = (int64_t)(is), want_ = (int64_t)(want);						\
	check_count++;											\
	if (is_ != want_) {										\
		check_failures++;									\
		fprintf(stderr, "%s:%d: %s is %" PRId64 " (0x%" PRIx64 "), not %" PRId64 " (0x%" PRIx64 ")\n",	\
			__FILE__, __LINE__, #is, is_, (uint64_t)is_, want_, (uint64_t)want_);		\
	}												\
} while (0)
#define CHECK_STR(is, want) do {									\
	const char *is_ = (is), *want_ = (want);							\
	check_count++;											\
	if (!is_ || strcmp(is_, want_)) {								\
		check_failures++;									\
		fprintf(stderr, "%s:%d: %s is\n%s\nnot\n%s\n", __FILE__, __LINE__, #is, is_ ? is_ : "(null)", want_);	\
	}												\
} while (0)
#define CHECK_DONE() (printf("%d checks, %d failed\n", check_count, check_failures), check_failures ? 1 : 0)
/* int main that runs the body and tells the count: CHECK_MAIN { ... } */
#define CHECK_MAIN static void check_body(void); int main(void) { check_body(); return CHECK_DONE(); } static void check_body(void)

#endif
