/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kanalyze: opens a kernel's memory dump and answers commands about it. */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>
#include <kanalyze/model.h>

#include "program.h"
#include "session.h"

extern const struct ka_command *const ka_commands[];

static void text_put(struct ka_str *text)
{
	fwrite(text->p, 1, text->len, stdout);
	ka_str_free(text);
}

static void message_put(const char *text)
{
	struct ka_str safe = {0};

	ka_escape_text(&safe, text, strlen(text), true);
	fprintf(stderr, "kanalyze: %s\n", safe.p ? safe.p : "");
	ka_str_free(&safe);
}

/* The hidden --doc: generated documentation, and the check of all tables that a test runs. */
static int doc_put(const char *what)
{
	struct ka_session *s = ka_session_new(NULL, ka_commands);
	struct ka_str text = {0};
	int status = KA_EXIT_CLEAN;

	if (!strcmp(what, "commands"))
		ka_doc_commands(s, &text);
	else if (!strcmp(what, "man"))
		ka_doc_man(s, &text);
	else if (!strcmp(what, "completion"))
		ka_doc_completion(&text);
	else if (!strcmp(what, "check"))
		status = ka_doc_check(s, &text) ? KA_EXIT_FAULTS : KA_EXIT_CLEAN;
	else
		status = KA_EXIT_USAGE;
	if (text.len)
		text_put(&text);
	ka_session_free(s);
	return status;
}

/* --osrelease, --build-id: the value alone. */
static int identity_put(const struct ka_program *p)
{
	bool is_release = p->only->id == KA_OPT_OSRELEASE;
	struct ka_dump_identity id;
	struct ka_error *err = ka_dump_identity(&p->open, &id);
	const char *value = is_release ? id.release : id.build_id;
	int status = err ? KA_EXIT_CANNOT_OPEN : KA_EXIT_CLEAN;
	struct ka_str text = {0};

	if (!err && !value) {
		err = ka_error_new(KA_MISSING, id.has_vmcoreinfo ? "the dump's VMCOREINFO does not tell the kernel's %s" :
				   "the dump has no VMCOREINFO, which would tell the kernel's %s", is_release ? "release" : "build-id");
		status = KA_EXIT_FAULTS;
	}
	if (err) {
		message_put(err->message);
		ka_error_free(err);
	} else {
		ka_escape_text(&text, value, strlen(value), false);
		ka_str_addc(&text, '\n');
		text_put(&text);
	}
	free(id.release);
	free(id.build_id);
	return status;
}

/* vmlinux and dump, opened; the exit status when that fails. */
static int kernel_open(const struct ka_program *p, struct ka_kernel **ret)
{
	struct ka_error *err = ka_kernel_open(&p->open, ret);

	if (err) {
		message_put(err->message);
		ka_error_free(err);
		return KA_EXIT_CANNOT_OPEN;
	}
	ka_model_attach(*ret);
	for (const char *text = p->is_silent ? NULL : ka_kernel_warning(*ret); text && *text;) {
		size_t len = strcspn(text, "\n");
		char *line = ka_xstrndup(text, len);

		message_put(line);
		free(line);
		text += len + (text[len] == '\n');
	}
	return KA_EXIT_CLEAN;
}

static void jobs_run(const struct ka_program *p, struct ka_session *s)
{
	for (size_t i = 0; i < p->jobs.n && !ka_session_must_stop(s); i++) {
		const struct ka_program_job *job = &p->jobs.at[i];
		int status = KA_EXIT_CLEAN;
		struct ka_error *err;

		if (!job->is_file) {
			ka_session_run(s, job->text);
			continue;
		}
		err = strcmp(job->text, "-") ? ka_session_run_file(s, job->text, &status) :
					       ka_session_run_fd(s, STDIN_FILENO, "standard input", true, &status);
		if (err)
			status = KA_MAX(ka_session_fault(s, err), KA_EXIT_USAGE);
		s->status = KA_MAX(s->status, status);
	}
}

/* What the command line says is what `set` shows; it took effect when the dump was opened. */
static void setting_set(struct ka_session *s, const char *name, const char *value)
{
	struct ka_error *err = ka_settings_set(&s->settings, NULL, name, value);

	if (err)
		ka_session_fault(s, err);
}

static int session_run(const struct ka_program *p, struct ka_session *s)
{
	bool is_batch = p->jobs.n || !isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO);
	int status = KA_EXIT_CLEAN;
	struct ka_error *err;
	char level[24];

	ka_signals_init();
	s->is_interactive = !is_batch;
	s->may_page = !p->has_no_pager;
	s->format = p->format;
	ka_out_direct(s->out, &s->standard, s->format, ka_session_has_colour(s));
	snprintf(level, sizeof(level), "%d", p->debug_level);
	setting_set(s, "debug", level);
	if (p->open.cache_bytes) {
		snprintf(level, sizeof(level), "%" PRIu64, p->open.cache_bytes);
		setting_set(s, "cache_size", level);
	}
	setting_set(s, "zero_excluded", p->open.is_zero_excluded ? "on" : "off");
	setting_set(s, "silent", p->is_silent ? "on" : "off");
	setting_set(s, "output", p->format == KA_OUT_JSON ? "json" : p->format == KA_OUT_JSONL ? "jsonl" : "text");
	if (p->radix)
		setting_set(s, "radix", p->radix);
	if (p->sysroot)
		setting_set(s, "sysroot", p->sysroot);
	if (p->src)
		setting_set(s, "src", p->src);
	if (!p->has_no_rc)
		ka_session_run_rc(s);
	if (!is_batch)
		return ka_session_prompt(s);
	if (p->jobs.n) {
		jobs_run(p, s);
	} else {
		err = ka_session_run_fd(s, STDIN_FILENO, "standard input", true, &status);
		if (err)
			status = ka_session_fault(s, err);
		s->status = KA_MAX(s->status, status);
	}
	ka_sink_flush(&s->standard);
	if (s->standard.error) {
		message_put("cannot write the output");
		s->status = KA_MAX(s->status, KA_EXIT_FAULTS);
	}
	/* As a shell tells of a program that Ctrl-C ended. */
	return ka_signals_count() ? 130 : s->status;
}

int main(int argc, char **argv)
{
	struct ka_kernel *k = NULL;
	struct ka_session *s;
	struct ka_program p;
	struct ka_str text = {0};
	struct ka_error *err = ka_program_parse(&p, argc, argv);
	int status;

	if (err) {
		message_put(err->message);
		ka_error_free(err);
		ka_program_free(&p);
		return KA_EXIT_USAGE;
	}
	ka_log_level_now = p.debug_level;
	if (p.wants_help || p.wants_version) {
		if (p.wants_help)
			ka_program_help(&text);
		else
			ka_program_version(&text);
		text_put(&text);
		status = KA_EXIT_CLEAN;
	} else if (p.doc) {
		status = doc_put(p.doc);
	} else if (p.only && p.only->id != KA_OPT_LOG) {
		status = identity_put(&p);
	} else {
		status = kernel_open(&p, &k);
		if (!status) {
			s = ka_session_new(k, ka_commands);
			status = session_run(&p, s);
			ka_session_free(s);
			ka_kernel_close(k);
		}
	}
	ka_program_free(&p);
	return status;
}
