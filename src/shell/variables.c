/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What begins with '$' in expressions: convenience variables, and registers of the current task. */
#include <ctype.h>
#include <kanalyze/local.h>
#include <kanalyze/task.h>
#include <kanalyze/unwind.h>

#include "session.h"

struct ka_convenience {
	char *name;		/* with its '$' */
	struct ka_value value;	/* text is our own */
};

/* gdb's own words for registers; else the name as it is. */
static const char *register_name(struct ka_kernel *k, const char *name)
{
	static const struct { const char *word, *name; bool is_any; } words[] = {
		{ "pc", "rip", true }, { "ip", "rip", true }, { "sp", "rsp", true },	/* asked of the frame itself */
		{ "eflags", "rflags", true }, { "fp", "rbp", false }, { "fp", "x29", false }, { "lr", "x30", false },
	};

	for (size_t i = 0; i < KA_COUNT(words); i++) {
		if (strcasecmp(name, words[i].word))
			continue;
		if (words[i].is_any)
			return words[i].name;
		for (unsigned r = 0; r < KA_REGS_MAX && ka_reg_name(k, r); r++)
			if (!strcasecmp(ka_reg_name(k, r), words[i].name))
				return words[i].name;
	}
	return name;
}

static bool is_register(struct ka_kernel *k, const char *name)
{
	name = register_name(k, name);
	for (unsigned r = 0; r < KA_REGS_MAX && ka_reg_name(k, r); r++)
		if (!strcasecmp(ka_reg_name(k, r), name))
			return true;
	return !strcasecmp(name, "rip") || !strcasecmp(name, "rsp");
}

/* A register of the frame that the user chose: what unwinding knows of it there. */
static bool frame_register(struct ka_kernel *k, ka_addr task, uint32_t level, const char *name, uint64_t *ret)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_stack stack = {0};
	bool is_found = false;
	size_t at;

	if (!ka_error_drop(ka_unwind_task(k, task, a, &stack))) {
		if (ka_stack_level(&stack, level, &at)) {
			const struct ka_frame *f;
			bool is_ip = !strcasecmp(name, "rip");

			ka_stack_registers(k, &stack);
			f = &stack.frames[at];
			is_found = is_ip || !strcasecmp(name, "rsp");
			*ret = is_ip ? f->ip : f->sp;
			for (unsigned r = 0; r < KA_REGS_MAX && !is_found && ka_reg_name(k, r); r++) {
				is_found = f->state.known >> r & 1 && !strcasecmp(ka_reg_name(k, r), name);
				*ret = f->state.value[r];
			}
		}
		ka_error_drop(stack.err);
	}
	ka_arena_free(a);
	return is_found;
}

/* A register where the task was stopped: of the block of its exception, else its topmost frame. */
static bool register_find(struct ka_kernel *k, ka_addr task, const char *name, uint64_t *ret)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_stack stack = {0};
	bool is_found = false;

	if (!ka_error_drop(ka_unwind_task(k, task, a, &stack))) {
		for (size_t i = 0; i < stack.count && !is_found; i++) {
			const struct ka_pt_regs *regs = stack.frames[i].regs;

			for (unsigned r = 0; regs && !regs->is_user && r < regs->count && !is_found; r++) {
				is_found = !strcasecmp(regs->names[r], name);
				*ret = regs->value[r];
			}
		}
		if (!is_found && stack.count) {
			bool is_ip = !strcasecmp(name, "rip");

			is_found = is_ip || !strcasecmp(name, "rsp");
			*ret = is_ip ? stack.frames[0].ip : stack.frames[0].sp;
		}
		ka_error_drop(stack.err);
	}
	ka_arena_free(a);
	return is_found;
}

static bool name_hook(void *ctx, const char *name, struct ka_value *ret)
{
	struct ka_session *s = ctx;
	const char *reg;
	uint64_t bits;
	ka_addr task;

	if (name[0] != '$')
		return false;
	for (size_t i = 0; i < s->variables.n; i++) {
		if (!strcmp(s->variables.at[i].name, name)) {
			*ret = s->variables.at[i].value;
			return true;
		}
	}
	if (ka_session_kept_value(s, name, ret))
		return true;
	task = ka_session_task(s);
	reg = register_name(s->k, name + 1);
	if (!task || !(s->frame_task == task ? frame_register(s->k, task, s->frame, reg, &bits) : register_find(s->k, task, reg, &bits)))
		return false;
	*ret = ka_value_ulong(s->k, bits);
	return true;
}

void ka_variables_init(struct ka_session *s)
{
	s->expr_env = (struct ka_expr_env){ .name = name_hook, .ctx = s };
	if (s->k)
		ka_expr_env_set(s->k, &s->expr_env);
}

static void value_free(struct ka_value *v)
{
	free((char *)v->text);
}

void ka_variables_free(struct ka_session *s)
{
	if (s->k)
		ka_expr_env_set(s->k, NULL);
	for (size_t i = 0; i < s->variables.n; i++) {
		free(s->variables.at[i].name);
		value_free(&s->variables.at[i].value);
	}
	ka_vec_free(&s->variables);
}

const struct ka_value *ka_variable_get(const struct ka_session *s, size_t i, const char **ret_name)
{
	if (i >= s->variables.n)
		return NULL;
	*ret_name = s->variables.at[i].name;
	return &s->variables.at[i].value;
}

static struct ka_error *name_check(struct ka_kernel *k, const char *name, size_t len)
{
	char *word = ka_xstrndup(name, len);
	bool is_taken = k && len > 1 && is_register(k, word + 1), ok = len > 1 && !isdigit((unsigned char)name[1]);

	for (size_t i = 1; i < len; i++)
		ok = ok && (isalnum((unsigned char)name[i]) || name[i] == '_');
	free(word);
	if (is_taken)
		return ka_error_new(KA_USAGE, "'%.*s' is a register, and nothing can be changed in a dump", (int)len, name);
	return ok ? NULL : ka_error_new(KA_USAGE, "'%.*s' is no name: a $, a letter, then letters, digits and _", (int)len, name);
}

struct ka_error *ka_variable_set(struct ka_session *s, const char *text)
{
	size_t len = strcspn(text, " \t="), i = 0;
	const char *at = text + len;
	struct ka_arena *a;
	struct ka_value value;
	struct ka_expr *e;
	struct ka_error *err = name_check(s->k, text, len);

	if (err)
		return err;
	at += strspn(at, " \t");
	if (*at != '=' || at[1] == '=')
		return ka_error_new(KA_USAGE, "set %.*s = EXPRESSION", (int)len, text);
	at += 1 + strspn(at + 1, " \t");
	a = ka_arena_new();
	err = ka_expr_parse(a, at, 0, &e);
	if (!err)
		err = ka_expr_eval(e, s->k, NULL, &value);
	if (!err) {
		/* what a string was made of goes with the arena */
		if (value.text) {
			char *copy = ka_xalloc(value.text_size + 1);

			memcpy(copy, value.text, value.text_size);
			value.text = copy;
		}
		while (i < s->variables.n && (strncmp(s->variables.at[i].name, text, len) || s->variables.at[i].name[len]))
			i++;
		if (i == s->variables.n)
			ka_vec_push(&s->variables, (struct ka_convenience){ .name = ka_xstrndup(text, len) });
		else
			value_free(&s->variables.at[i].value);
		s->variables.at[i].value = value;
	}
	ka_arena_free(a);
	return err;
}
