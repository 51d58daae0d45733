/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Variables of `set`: a table of names, values and what each is for. */
#ifndef KA_SETTINGS_H
#define KA_SETTINGS_H

#include <kanalyze/base.h>

struct ka_session;

enum ka_setting_kind { KA_SETTING_FLAG, KA_SETTING_NUMBER, KA_SETTING_CHOICE, KA_SETTING_TEXT };

struct ka_setting {
	const char *name;
	enum ka_setting_kind kind;
	const char *initial;
	const char *choices;	/* "on|off": what is shown and completed; KA_SETTING_CHOICE takes these alone */
	const char *help;
	/* Makes a new value take effect; may be NULL. It was checked against kind and choices. */
	struct ka_error *(*apply)(struct ka_session *s, const char *value);

};

struct ka_settings {
	char **values;		/* by place in the table */
};

extern const struct ka_setting ka_setting_table[];	/* ends with a NULL name */

void ka_settings_init(struct ka_settings *st);
void ka_settings_free(struct ka_settings *st);
const char *ka_settings_get(const struct ka_settings *st, const char *name);	/* NULL: no such variable */
bool ka_settings_is_on(const struct ka_settings *st, const char *name);
/* Checks, applies and keeps a value. session may be NULL: nothing is applied. */
struct ka_error *ka_settings_set(struct ka_settings *st, struct ka_session *session, const char *name, const char *value) KA_MUST_CHECK;
const struct ka_setting *ka_setting_find(const char *name);
/* A variable of crash that means nothing here: what it always is, and why. Scripts that set one go on. NULL: it is none. */
struct ka_setting_foreign { const char *name, *value, *why; };
const struct ka_setting_foreign *ka_setting_foreign_find(const char *name);

/* "64m": bytes, or with k, m or g. */
struct ka_error *ka_size_parse(const char *text, uint64_t *ret) KA_MUST_CHECK;

#endif
