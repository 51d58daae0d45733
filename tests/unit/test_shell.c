/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A session with commands made for it: options, aliases, redirections, history, statuses, documents. */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "session.h"

struct word_row { const char *word; };
KA_LINES(word_row, "words", "{word}", KA_COL(word_row, word, KA_TEXT, "a word"));

/* Puts out its options, then its arguments. */
static struct ka_error *show_run(struct ka_call *c)
{
	for (size_t i = 0; i < c->option_count; i++) {
		const char *value = c->options[i].value;

		ka_out_row(c->out, &ka_rows_word_row, &(struct word_row){
			ka_printf(c->arena, "-%s%s%s", c->options[i].option->name, value ? "=" : "", value ? value : "") });
	}
	for (int i = 0; i < c->argc; i++)
		ka_out_row(c->out, &ka_rows_word_row, &(struct word_row){ c->argv[i] });
	return NULL;
}

static struct ka_error *fail_run(struct ka_call *c)
{
	ka_out_row(c->out, &ka_rows_word_row, &(struct word_row){ "before" });
	ka_call_fault(c, NULL);
	ka_call_fault(c, ka_error_new(KA_CORRUPT, "first"));
	if (c->argc)
		return ka_call_usage(c, "not %s", c->argv[0]);
	return ka_error_new(KA_CORRUPT, "second");
}

static struct ka_error *endless_run(struct ka_call *c)
{
	for (unsigned i = 0; !ka_interrupted(); i++) {
		ka_out_row(c->out, &ka_rows_word_row, &(struct word_row){ "again" });
		if (i > 50000000)
			return ka_error_new(KA_CORRUPT, "nothing stops me");
	}
	return ka_error_new(KA_INTERRUPTED, "interrupted");
}

static const struct ka_option show_options[] = {
	{ "a", NULL, "h" }, { "l", NULL, "h" }, { "f", NULL, "h" }, { "SS", NULL, "h" }, { "c", "CPUS", "h" }, { "16", NULL, "h" },
	{ "S", "[=CPUS]", "h" }, { "where", "PLACE", "h", true }, { "all", NULL, "h", true }, {0},
};
static const struct ka_rows *const word_rows[] = { &ka_rows_word_row, NULL };
static const struct ka_command show = { "show", "[-a] [WORD]...", "b", "h", show_options, KA_NUMBER_ARGS, word_rows, show_run };
static const struct ka_command raw = { "raw", "", "b", "h", NULL, KA_RAW_ARGS, word_rows, show_run };
static const struct ka_command fail = { "fail", "[X]", "b", "h", NULL, 0, word_rows, fail_run };
static const struct ka_command endless = { "endless", "", "b", "h", NULL, 0, word_rows, endless_run };
static const struct ka_command needy = { "needy", "", "b", "h", NULL, KA_NEED_TASKS, NULL, show_run };
static const struct ka_command *const commands[] = { &show, &raw, &fail, &endless, &needy, NULL };

static char directory[] = "/tmp/kanalyze-shell-XXXXXX";
static struct ka_session *s;
static char got[1 << 16];
static int status;

/* What a line puts out, errors along with it. */
static const char *run(const char *line)
{
	int fd = open("out", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600), saved = dup(2);
	ssize_t n;

	dup2(fd, 2);
	s->standard.fd = fd;
	s->status = 0;
	status = ka_session_run(s, line);
	ka_sink_flush(&s->standard);
	CHECK_INT(s->status, status);
	dup2(saved, 2);
	close(saved);
	n = pread(fd, got, sizeof(got) - 1, 0);
	got[n > 0 ? n : 0] = 0;
	close(fd);
	s->standard.fd = -1;
	return got;
}

static void file_put(const char *name, const char *text)
{
	FILE *f = fopen(name, "we");

	fputs(text, f);
	fclose(f);
}

static const char *file_get(const char *name)
{
	FILE *f = fopen(name, "re");
	size_t n = f ? fread(got, 1, sizeof(got) - 1, f) : 0;

	got[n] = 0;
	if (f)
		fclose(f);
	return got;
}

static void check_options(void)
{
	CHECK_STR(run("show -la x -SS y -f"), "-l\n-a\n-SS\n-f\nx\ny\n");
	CHECK_STR(run("show -c 1,2 -c3 -lc 4"), "-c=1,2\n-c=3\n-l\n-c=4\n");
	CHECK_STR(run("show -16 -5 -S -S=1 - -- -a"), "-16\n-S\n-S=1\n-5\n-\n-a\n");
	CHECK_STR(run("show --where here --where=there --all"), "-where=here\n-where=there\n-all\n");
	CHECK_INT(status, 0);
	CHECK_STR(run("show -A"), "kanalyze: show: there is no option '-A': did you mean '-a'?\nusage: show [-a] [WORD]...\n");
	CHECK_INT(status, 2);
	CHECK_STR(run("show --wher"), "kanalyze: show: there is no option '--wher': did you mean '--where'?\nusage: show [-a] [WORD]...\n");
	CHECK_STR(run("show -c"), "kanalyze: show: option '-c' needs CPUS\nusage: show [-a] [WORD]...\n");
	CHECK_STR(run("show --all=1"), "kanalyze: show: option '--all' takes no value\nusage: show [-a] [WORD]...\n");
	CHECK_STR(run("raw -x --y 'z w' \"q\""), "-x\n--y\n'z w'\nq\n");
}

static void check_faults(void)
{
	CHECK_STR(run("fail; show on"), "before\nkanalyze: fail: first\nkanalyze: fail: second\non\n");
	CHECK_INT(status, 1);
	CHECK_STR(run("fail x; fail"), "before\nkanalyze: fail: first\nkanalyze: fail: not x\nusage: fail [X]\n"
				       "before\nkanalyze: fail: first\nkanalyze: fail: second\n");
	CHECK_INT(status, 2);
	CHECK_STR(run("shwo x"), "kanalyze: there is no command 'shwo': did you mean 'show'?\n");
	CHECK_INT(status, 2);
	CHECK_STR(run("xyzzy"), "kanalyze: there is no command 'xyzzy': 'help' lists them\n");
	CHECK_STR(run("needy"), "kanalyze: needy: no dump is open\n");
	CHECK_INT(status, 1);
	CHECK_STR(run("show 'x"), "kanalyze: the quote ' is not closed\n");
	CHECK_STR(run("set error redirect; fail > f; set error default"), "");
	CHECK_STR(file_get("f"), "before\nkanalyze: fail: first\nkanalyze: fail: second\n");
	unlink("errors");
	CHECK_STR(run("set error errors; fail; set error default"), "before\n");
	CHECK_STR(file_get("errors"), "kanalyze: fail: first\nkanalyze: fail: second\n");
}

static void check_redirections(void)
{
	CHECK_STR(run("show b a | sort | tr a-z A-Z; show x"), "A\nB\nx\n");
	CHECK_STR(run("show 'it' | sed 's/i/;/'"), "';t'\n");
	CHECK_STR(run("show one > f; show two >> f; show three"), "three\n");
	CHECK_STR(file_get("f"), "one\ntwo\n");
	file_put("args", "a -l\n\n# none\n\"b c\" ; d\n");
	CHECK_STR(run("show x < args"), "-l\nx\na\nx\nb c\n");
	CHECK_STR(run("show < args | wc -l"), "3\n");
	file_put("cmds", "show 1; show 2\n# x\nfail\nshow 3 | cat\n");
	CHECK_STR(run("< cmds"), "1\n2\nbefore\nkanalyze: fail: first\nkanalyze: fail: second\n3\n");
	CHECK_INT(status, 1);
	CHECK_STR(run("< cmds > f"), "kanalyze: fail: first\nkanalyze: fail: second\n");
	CHECK_STR(file_get("f"), "1\n2\nbefore\n3\n");
	file_put("self", "show deep\n< self\n");
	run("< self");
	CHECK(strstr(got, "one runs itself?"));
	CHECK_INT(status, 2);
	CHECK_STR(run("< nothing"), "kanalyze: cannot open nothing: No such file or directory\n");
	CHECK_STR(run("show < nothing"), "kanalyze: cannot open nothing: No such file or directory\n");
	CHECK_STR(run("show > no/such"), "kanalyze: cannot open no/such: No such file or directory\n");
	CHECK_STR(run("!echo a; echo b\nshow c"), "a\nb\nc\n");
	/* A reader that leaves ends the command, without a word, and the next one runs. */
	CHECK_STR(run("endless | head -2; show on"), "again\nagain\non\n");
	CHECK_INT(status, 0);
	CHECK_STR(run("repeat show x | head -3; show y"), "x\nx\nx\ny\n");
	CHECK_STR(run("repeat xyzzy x"), "kanalyze: repeat: there is no command 'xyzzy': 'help' lists them\n");
	CHECK_INT(status, 2);
}

static void check_aliases(void)
{
	CHECK_STR(run("alias up \"show -l | tr a-z A-Z\"; alias u 'up'; alias show2 \"show two\""), "");
	CHECK_STR(run("show2 x; u"), "two\nx\n-L\n");
	CHECK_STR(run("alias up"), "ORIGIN  ALIAS    COMMAND\nuser    up       show -l | tr a-z A-Z\n");
	CHECK_STR(run("alias u \"\"; u"), "kanalyze: there is no command 'u': did you mean 'up'?\n");
	CHECK_STR(run("alias u \"\""), "kanalyze: alias: there is no alias 'u'\n");
	CHECK_STR(run("alias show x"), "kanalyze: alias: 'show' cannot be an alias: it is a command or no word\nusage: alias "
				       "[NAME [\"COMMAND [ARGUMENTS]\" | \"\"]]\n");
	/* One that stands for itself ends at the command. */
	CHECK_STR(run("alias a1 a2; alias a2 a1; a1"), "kanalyze: there is no command 'a1': did you mean 'a1'?\n");
	CHECK(strstr(run("alias"), "builtin hex      set radix 16"));
	CHECK_STR(run("hex; set radix; dec"), "          radix: 16\n");
	/* Aliases of commands that are not there are not there. */
	CHECK(!strstr(run("alias"), "dmesg"));
}

static void check_help(void)
{
	CHECK(strstr(run("help"), "alias"));
	CHECK(strstr(run("help show"), "show [-a] [WORD]...\n\nOPTIONS\n  -a       "));
	CHECK(strstr(got, "--where PLACE"));
	CHECK(strstr(got, "words (an array of objects)"));
	CHECK(strstr(run("? h"), "command history"));
	CHECK(strstr(run("man input"), "COMMAND | PIPELINE"));
	CHECK_STR(run("help shw"), "kanalyze: help: there is no command 'shw': did you mean 'show'?\n");
	CHECK_STR(run("set gdb on"), "gdb stays off: there is no gdb inside: what the command 'gdb' knows is in its help\n");
	CHECK(strstr(run("set radix 7"), "radix: '7' is none of 10|16"));
	CHECK_INT(status, 2);
	CHECK(strstr(run("set -v"), "scroll: on"));
}

static void check_json(void)
{
	run("set output json");
	CHECK_STR(run("show a; fail; nope; show"),
		  "{\"command\":\"show\",\"words\":[{\"word\":\"a\"}],\"errors\":[]}\n"
		  "{\"command\":\"fail\",\"words\":[{\"word\":\"before\"}],\"errors\":["
		  "{\"code\":\"CORRUPT\",\"message\":\"first\",\"space\":null,\"address\":null},"
		  "{\"code\":\"CORRUPT\",\"message\":\"second\",\"space\":null,\"address\":null}]}\n"
		  "{\"command\":\"nope\",\"errors\":[{\"code\":\"USAGE\",\"message\":\"there is no command 'nope': 'help' lists them\","
		  "\"space\":null,\"address\":null}]}\n"
		  "{\"command\":\"show\",\"words\":[],\"errors\":[]}\n");
	CHECK_STR(run("repeat show a | head -1"), "{\"command\":\"show\",\"words\":[{\"word\":\"a\"}],\"errors\":[]}\n");
	run("set output jsonl");
	CHECK_STR(run("show a; fail"),
		  "{\"command\":\"show\",\"row\":\"words\",\"word\":\"a\"}\n{\"command\":\"fail\",\"row\":\"words\",\"word\":\"before\"}\n"
		  "{\"command\":\"fail\",\"row\":\"errors\",\"code\":\"CORRUPT\",\"message\":\"first\",\"space\":null,\"address\":null}\n"
		  "{\"command\":\"fail\",\"row\":\"errors\",\"code\":\"CORRUPT\",\"message\":\"second\",\"space\":null,\"address\":null}\n");
	run("set output text");
}

static const char *input(const char *line)
{
	char *expanded = NULL;
	struct ka_error *err = ka_history_expand(s, line, &expanded);

	snprintf(got, sizeof(got), "%s", err ? err->message : expanded ? expanded : "(as it is)");
	ka_error_free(err);
	free(expanded);
	return got;
}

static void check_history(void)
{
	struct stat st;

	setenv("XDG_STATE_HOME", directory, 1);
	ka_history_open(s);
	CHECK_STR(input("!!"), "the history is empty");
	ka_history_add(s, "show one");
	ka_history_add(s, "show one\n");
	ka_history_add(s, "log | grep x");
	ka_history_add(s, "   ");
	CHECK_STR(input("!!"), "log | grep x");
	CHECK_STR(input(" r \n"), "log | grep x");
	CHECK_STR(input("r 1"), "show one");
	CHECK_STR(input("!1"), "show one");
	CHECK_STR(input("r sho"), "show one");
	CHECK_STR(input("r nope"), "no line 'nope' in the history: 'h' lists it");
	CHECK_STR(input("!99"), "no line '99' in the history: 'h' lists it");
	CHECK_STR(input("!ls"), "(as it is)");
	CHECK_STR(input("!2x"), "(as it is)");
	CHECK_STR(input("rd jiffies"), "(as it is)");
	CHECK_STR(run("h"), "[1] show one\n[2] log | grep x\n");
	CHECK_STR(run("h 1"), "[2] log | grep x\n");
	CHECK_STR(run("r 1; show two"), "show one\none\ntwo\n");
	CHECK_STR(run("h 0"), "kanalyze: h: a count of lines is expected\nusage: h [COUNT]\n");
	CHECK_STR(file_get("kanalyze/history"), "show one\nlog | grep x\n");
	CHECK(!stat("kanalyze/history", &st) && (st.st_mode & 0777) == 0600);
	CHECK(!stat("kanalyze", &st) && (st.st_mode & 0777) == 0700);
}

static void check_rc(void)
{
	setenv("HOME", directory, 1);
	file_put(".kanalyzerc", "set radix 16\nalias mine show\n");
	ka_session_run_rc(s);
	CHECK_STR(run("set radix; mine x"), "          radix: 16\nx\n");
	/* Run once, though it is both the home's and the directory's. */
	file_put(".kanalyzerc", "!echo x >> ran\n");
	ka_session_run_rc(s);
	CHECK_STR(file_get("ran"), "x\n");
	/* One that belongs to another user is left alone, but for the home's. */
	if (!geteuid() && !chown(".kanalyzerc", 12345, (gid_t)-1)) {
		setenv("HOME", "/nonexistent", 1);
		ka_session_run_rc(s);
		CHECK_STR(file_get("ran"), "x\n");
	}
	setenv("HOME", "/nonexistent", 1);
	CHECK(!s->is_done);
	CHECK_STR(run("show a; q; show b"), "a\n");
	CHECK(s->is_done);
}

static void check_tables(void)
{
	struct ka_str text = {0};

	CHECK_INT(ka_doc_check(s, &text), 0);
	CHECK_STR(text.p ? text.p : "", "");
	ka_str_clear(&text);
	ka_doc_commands(s, &text);
	CHECK(strstr(text.p, "## show"));
	ka_str_clear(&text);
	ka_doc_man(s, &text);
	CHECK(strstr(text.p, ".SS show"));
	ka_str_free(&text);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

CHECK_MAIN
{
	if (!mkdtemp(directory) || chdir(directory))
		return;
	ka_signals_init();
	s = ka_session_new(NULL, commands);
	check_options();
	check_faults();
	check_redirections();
	check_aliases();
	check_help();
	check_json();
	check_tables();
	check_history();
	check_rc();
	ka_session_free(s);
	if (chdir("/"))
		return;
	CHECK(!nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS));
}
