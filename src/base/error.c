/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Errors as values. */
#include <stdio.h>
#include <kanalyze/base.h>

static struct ka_error *error_make(enum ka_error_code code, enum ka_space space, uint64_t addr, const char *fmt, va_list ap)
{
	struct ka_error *e = ka_xalloc(sizeof(*e));
	struct ka_str s = { 0 };

	ka_str_vprintf(&s, fmt, ap);
	e->code = code;
	e->space = space;
	e->addr = addr;
	e->message = s.p ? s.p : ka_xstrdup("");
	return e;
}

struct ka_error *ka_error_new(enum ka_error_code code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct ka_error *e = error_make(code, KA_SPACE_NONE, 0, fmt, ap);
	va_end(ap);
	return e;
}

struct ka_error *ka_error_at(enum ka_error_code code, enum ka_space space, uint64_t addr, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	struct ka_error *e = error_make(code, space, addr, fmt, ap);
	va_end(ap);
	return e;
}

struct ka_error *ka_error_wrap(struct ka_error *err, const char *fmt, ...)
{
	struct ka_str s = { 0 };
	va_list ap;

	if (!err)
		return NULL;
	va_start(ap, fmt);
	ka_str_vprintf(&s, fmt, ap);
	va_end(ap);
	ka_str_add(&s, ": ");
	ka_str_add(&s, err->message);
	free(err->message);
	err->message = s.p;
	return err;
}

void ka_error_free(struct ka_error *err)
{
	if (err) {
		free(err->message);
		free(err->detail);
		free(err);
	}
}

void ka_error_dispose(struct ka_error *err)
{
	if (err)
		ka_log(3, "passed over: %s", err->message);
	ka_error_free(err);
}

bool ka_error_catch(struct ka_error **err, enum ka_error_code code)
{
	if (!*err || (*err)->code != code)
		return false;
	ka_error_drop(*err);
	*err = NULL;
	return true;
}

const char *ka_error_code_name(enum ka_error_code code)
{
	static const char *const names[] = {
		[KA_MISSING] = "MISSING", [KA_NOT_FOUND] = "NOT_FOUND", [KA_UNMAPPED] = "UNMAPPED",
		[KA_EXCLUDED] = "EXCLUDED", [KA_TRUNCATED] = "TRUNCATED", [KA_CORRUPT] = "CORRUPT",
		[KA_FORMAT] = "FORMAT", [KA_UNSUPPORTED] = "UNSUPPORTED", [KA_USAGE] = "USAGE",
		[KA_INTERRUPTED] = "INTERRUPTED", [KA_IO] = "IO", [KA_NOT_PRESENT] = "NOT_PRESENT",
	};

	return (unsigned)code < KA_COUNT(names) && names[code] ? names[code] : "UNKNOWN";
}
