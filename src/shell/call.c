/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One run of one command: its options, its needs, its document; and what the command sees of all that. */
#include <ctype.h>
#include <stdio.h>
#include <unistd.h>
#include <kanalyze/kernel.h>
#include <kanalyze/symbol.h>
#include <kanalyze/system.h>
#include <kanalyze/task.h>
#include <kanalyze/type.h>

#include "session.h"

#define EXCLUDED_SHOWN 8	/* faults of pages left out of the dump, of one command, as text */

static const struct ka_option *option_find(const struct ka_command *c, const char *name, size_t len, bool is_long)
{
	for (const struct ka_option *o = c->options; o && o->name; o++) {
		if (o->is_long == is_long && strlen(o->name) == len && !strncmp(o->name, name, len))
			return o;
	}
	return NULL;
}

/* "[=LIST]": a value that may be left out, and is given only with '='. */
static bool takes_maybe(const struct ka_option *o)
{
	return o->arg && o->arg[0] == '[';
}

static void given_push(struct ka_call *c, const struct ka_option *o, const char *value)
{
	if (!(c->option_count & (c->option_count - 1))) {
		size_t cap = c->option_count ? c->option_count * 2 : 1;
		struct ka_option_given *bigger = ka_alloc(c->arena, cap * sizeof(*bigger));

		if (c->option_count)
			memcpy(bigger, c->options, c->option_count * sizeof(*bigger));
		c->options = bigger;
	}
	c->options[c->option_count++] = (struct ka_option_given){ o, value };
}

static struct ka_error *option_unknown(struct ka_call *c, const char *word, const char *name)
{
	const char *best = NULL;
	bool is_long = false;
	unsigned best_rank = 0;

	for (const struct ka_option *o = c->command->options; o && o->name; o++) {
		unsigned rank = ka_words_likeness(name, o->name);

		/* Of a single letter, only the other case is near. */
		if (!name[1])
			rank = !o->name[1] && tolower((unsigned char)*name) == tolower((unsigned char)*o->name);
		if (rank && (!best || rank < best_rank)) {
			best = o->name;
			best_rank = rank;
			is_long = o->is_long;
		}
	}
	if (best)
		return ka_error_new(KA_USAGE, "there is no option '%s': did you mean '%s%s'?", word, is_long ? "--" : "-", best);
	return ka_error_new(KA_USAGE, "there is no option '%s'", word);
}

static struct ka_error *parse_long(struct ka_call *c, const char *word, int argc, char **argv, int *i)
{
	const char *name = word + 2, *equals = strchr(name, '=');
	const struct ka_option *o = option_find(c->command, name, equals ? (size_t)(equals - name) : strlen(name), true);
	const char *value = equals ? equals + 1 : NULL;

	if (!o)
		return option_unknown(c, word, name);
	if (value && !o->arg)
		return ka_error_new(KA_USAGE, "option '--%s' takes no value", o->name);
	if (!value && o->arg && !takes_maybe(o)) {
		if (*i + 1 >= argc)
			return ka_error_new(KA_USAGE, "option '--%s' needs %s", o->name, o->arg);
		value = argv[++*i];
	}
	given_push(c, o, value);
	return NULL;
}

/* "-l", "-SS", "-lf", "-c3", "-c 3", "-S=1,2": the longest name that fits is taken, letter by letter else. */
static struct ka_error *parse_short(struct ka_call *c, const char *word, int argc, char **argv, int *i)
{
	for (const char *p = word + 1; *p;) {
		const struct ka_option *o = NULL;
		size_t len = 0;

		/* Names of several letters stand alone: "-SS" is one, "-lSS" is not "-l -SS". */
		if (p == word + 1) {
			len = strcspn(p, "=");
			o = option_find(c->command, p, len, false);
		}
		if (!o)
			o = option_find(c->command, p, len = 1, false);
		if (!o)
			return option_unknown(c, word, p == word + 1 ? p : ka_strndup(c->arena, p, 1));
		p += len;
		if (!o->arg) {
			if (*p == '=')
				return ka_error_new(KA_USAGE, "option '-%s' takes no value", o->name);
			given_push(c, o, NULL);
		} else if (takes_maybe(o)) {
			given_push(c, o, *p == '=' ? p + 1 : NULL);
			if (*p == '=')
				return NULL;
		} else if (*p) {
			given_push(c, o, p + (*p == '='));
			return NULL;
		} else if (*i + 1 < argc) {
			given_push(c, o, argv[++*i]);
			return NULL;
		} else {
			return ka_error_new(KA_USAGE, "option '-%s' needs %s", o->name, o->arg);
		}
	}
	return NULL;
}

static bool is_negative_number(const struct ka_call *c, const char *word)
{
	return (c->command->needs & KA_NUMBER_ARGS) && isdigit((unsigned char)word[1]) &&
	       !option_find(c->command, word + 1, strlen(word + 1), false);
}

/* argv[0] is the command's name. Options may stand anywhere before "--". */
struct ka_error *ka_options_parse(struct ka_call *c, int argc, char **argv)
{
	struct ka_error *err = NULL;
	bool is_raw = false;

	c->argv = ka_alloc(c->arena, (argc + 1) * sizeof(*c->argv));
	for (int i = 1; i < argc && !err; i++) {
		is_raw |= (c->command->needs & KA_DOLLAR_ARGS) && argv[i][0] == '$';
		if ((c->command->needs & KA_RAW_ARGS) || is_raw) {
			c->argv[c->argc++] = argv[i];
		} else if (!strcmp(argv[i], "--")) {
			while (++i < argc)
				c->argv[c->argc++] = argv[i];
		} else if (argv[i][0] != '-' || !argv[i][1] || is_negative_number(c, argv[i])) {
			c->argv[c->argc++] = argv[i];
		} else if (argv[i][1] == '-') {
			err = parse_long(c, argv[i], argc, argv, &i);
		} else {
			err = parse_short(c, argv[i], argc, argv, &i);
		}
	}
	return err;
}

bool ka_call_has(const struct ka_call *c, const char *option)
{
	for (size_t i = 0; i < c->option_count; i++) {
		if (!strcmp(c->options[i].option->name, option))
			return true;
	}
	return false;
}

const char *ka_call_value(const struct ka_call *c, const char *option)
{
	for (size_t i = c->option_count; i--;) {
		if (!strcmp(c->options[i].option->name, option))
			return c->options[i].value;
	}
	return NULL;
}

void ka_call_fault(struct ka_call *c, struct ka_error *err)
{
	if (!err)
		return;
	/* What ended since its reader had seen enough did not fail. */
	if (err->code != KA_INTERRUPTED || !ka_out_sink(c->out)->is_broken) {
		c->fault_count++;
		if (c->is_part) {
			ka_out_fault(c->out, err);
			ka_error_free(err);
			return;
		}
		/* pages that lack come by the hundred: the reader of text has seen it after a few */
		if (err->code == KA_EXCLUDED && ka_out_is_text(c->out) && !ka_log_level_now && ++c->excluded_count > EXCLUDED_SHOWN)
			c->hidden_count++;
		else
			ka_out_fault(c->out, err);
	}
	ka_error_free(err);
}

/* What is told once a command or session, after the faults themselves. */
static void faults_close(struct ka_call *c, bool is_inner)
{
	struct ka_error *err;

	if (c->hidden_count) {
		err = ka_error_new(KA_EXCLUDED, "%zu more of what was left out of the dump (--json and -d 1 show all)", c->hidden_count);
		ka_out_fault(c->out, err);
		ka_error_free(err);
	}
	/* the user asked for it, so it is no fault; but it is told what is not of the dump */
	if (c->k && !is_inner && ka_kernel_zeroed(c->k) > c->zeroed) {
		err = ka_error_new(KA_EXCLUDED, "memory that is not in the dump read as zeros, %llu times (zero_excluded is on)",
				   (unsigned long long)(ka_kernel_zeroed(c->k) - c->zeroed));
		ka_out_fault(c->out, err);
		ka_error_free(err);
	}
	err = c->k && c->fault_count && !c->session->has_told_loss ? ka_kernel_loss(c->k) : NULL;
	if (err) {
		c->session->has_told_loss = true;
		ka_out_fault(c->out, err);
		ka_error_free(err);
	}
}

struct ka_error *ka_call_usage(struct ka_call *c, const char *fmt, ...)
{
	struct ka_error *err;
	char *text;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = ka_xstrdup(c->command->name);
	va_end(ap);
	err = ka_error_new(KA_USAGE, "%s", text);
	free(text);
	return err;
}

ka_addr ka_session_task(const struct ka_session *s)
{
	struct ka_session_files files;
	ka_addr task;

	if (s->has_task || !s->k)
		return s->task;
	/* as in crash: of a running kernel it is this program */
	ka_session_files(s->k, &files);
	if (!files.is_live || ka_error_drop(ka_task_by_pid(s->k, getpid(), &task)))
		task = ka_panic_task(s->k);
	if (!task)
		task = ka_cpu_task(s->k, 0);
	return task ? task : ka_cpu_idle_task(s->k, 0);
}

ka_addr ka_call_task(const struct ka_call *c)
{
	struct ka_session *s = c->session;

	s->task = ka_session_task(s);
	s->has_task = s->has_task || s->k;
	return s->task;
}

struct ka_error *ka_call_set_task(struct ka_call *c, ka_addr task)
{
	if (!ka_task_is(c->k, task))
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, task, "%llx is no task", (unsigned long long)task);
	c->session->task = task;
	c->session->has_task = true;
	return NULL;
}

bool ka_call_frame(const struct ka_call *c, uint32_t *ret)
{
	struct ka_session *s = c->session;
	ka_addr task = ka_call_task(c);

	*ret = s->frame;
	return task && s->frame_task == task;
}

void ka_call_set_frame(struct ka_call *c, uint32_t level)
{
	c->session->frame_task = ka_call_task(c);
	c->session->frame = level;
}

const char *ka_call_setting(const struct ka_call *c, const char *name)
{
	return ka_settings_get(&c->session->settings, name);
}

struct ka_error *ka_call_set_setting(struct ka_call *c, const char *name, const char *value)
{
	return ka_settings_set(&c->session->settings, c->session, name, value);
}

/* Without a vmlinux some layouts come from VMCOREINFO, but not those of whole commands. */
static bool is_minimal(struct ka_kernel *k)
{
	struct ka_session_files files;

	ka_session_files(k, &files);
	return !files.vmlinux;
}

static struct ka_error *needs_check(struct ka_session *s, unsigned needs)
{
	struct ka_error *err = NULL;
	uint64_t size;

	if (!(needs & (KA_NEED_TYPES | KA_NEED_TASKS | KA_NEED_SYMBOLS)))
		return NULL;
	if (!s->k)
		return ka_error_new(KA_UNSUPPORTED, "no dump is open");
	if ((needs & (KA_NEED_TYPES | KA_NEED_TASKS)) && is_minimal(s->k) && !ka_type_exists(s->k, "task_struct"))
		err = ka_error_new(KA_MISSING, "types of the kernel are needed, and without a vmlinux there are none: give it");
	else if (needs & (KA_NEED_TYPES | KA_NEED_TASKS))
		err = ka_error_wrap(ka_type_size(s->k, "task_struct", &size), "types of the kernel are needed");
	if (!err && (needs & (KA_NEED_SYMBOLS | KA_NEED_TASKS)) && !ka_symbol_count(s->k, NULL))
		err = ka_error_new(KA_MISSING, "symbols of the kernel are needed, and there are none: give its vmlinux");
	return err;
}

/* In text, the usage line stands below the message. */
static struct ka_error *usage_add(const struct ka_call *c, struct ka_error *err)
{
	struct ka_error *fuller;

	if (err->code != KA_USAGE || !ka_out_is_text(c->out))
		return err;
	fuller = ka_error_new(KA_USAGE, "%s\nusage: %s %s", err->message, c->command->name, c->command->args ? c->command->args : "");
	fuller->detail = err->detail;
	err->detail = NULL;
	ka_error_free(err);
	return fuller;
}

/* One of each thread group, where the options say that a task stands for all of them: the first that was chosen. */
static const struct ka_task_run *groups_narrow(struct ka_call *c, const struct ka_task_run *run)
{
	size_t words = run ? (size_t)c->argc - KA_MIN(run->count, (size_t)c->argc) : 0, n = 0;
	struct ka_map seen = { 0 };
	struct ka_task_run *ret;
	struct ka_task t;

	if (!run || run->is_context || !c->command->group_option || !ka_call_has(c, c->command->group_option) || words + run->count != (size_t)c->argc)
		return run;
	ret = ka_alloc(c->arena, sizeof(*ret));
	*ret = *run;
	for (size_t i = 0; i < run->count; i++) {
		bool is_known = !ka_error_drop(ka_task_read(c->k, run->tasks[i], &t)) && t.tgid && !ka_map_add(&seen, (uint64_t)t.tgid, 0);

		if (!is_known)
			c->argv[words + n++] = c->argv[words + i];
	}
	ka_map_free(&seen);
	ret->count = n;
	c->argc = (int)(words + n);
	return ret;
}

static int call(struct ka_session *s, const struct ka_command *command, const char *text, int argc, char **argv, const struct ka_task_run *run)
{
	struct ka_call c = { .k = s->k, .session = s, .out = s->out, .command = command, .arena = ka_arena_new() };
	struct ka_call *outer = s->call;
	const char *outer_text = s->text;
	int outer_inner = s->inner_status;
	int status = KA_EXIT_CLEAN;
	struct ka_error *err;

	s->call = &c;
	s->inner_status = KA_EXIT_CLEAN;
	c.zeroed = s->k ? ka_kernel_zeroed(s->k) : 0;
	s->text = text;
	ka_out_document_begin(s->out, command->name, command->rows ? command->rows[0] : NULL);
	err = ka_options_parse(&c, argc, argv);
	if (!err)
		err = needs_check(s, command->needs);
	if (!err)
		run = groups_narrow(&c, run);
	if (!err)
		err = run && ka_parts_fit(&c, run) ? ka_parts_run(&c, run) : command->run(&c);
	if (err) {
		if (err->code == KA_USAGE)
			status = KA_EXIT_USAGE;
		ka_call_fault(&c, usage_add(&c, err));
	}
	faults_close(&c, outer);
	ka_out_document_end(s->out);
	if (c.fault_count)
		status = KA_MAX(status, KA_EXIT_FAULTS);
	status = KA_MAX(status, s->inner_status);
	s->inner_status = outer_inner;
	ka_arena_free(c.arena);
	s->call = outer;
	s->text = outer_text;
	return status;
}

int ka_session_call(struct ka_session *s, const struct ka_command *command, const char *text, int argc, char **argv)
{
	return call(s, command, text, argc, argv, NULL);
}

int ka_session_call_tasks(struct ka_session *s, const struct ka_task_run *run, int argc, char **argv)
{
	return call(s, run->command, run->text, argc, argv, run);
}
