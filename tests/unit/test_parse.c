/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The command line: commands, words, quotes, redirections, comments. */
#include "check.h"
#include "line.h"

static struct ka_arena *a;

/* All commands of a text, in brackets. */
static const char *cuts(const char *text)
{
	struct ka_str all = {0};
	const char *one;

	ka_str_add(&all, "");
	while ((one = ka_line_cut(a, &text)))
		ka_str_printf(&all, "[%s]", one);
	one = ka_strdup(a, all.p ? all.p : "");
	ka_str_free(&all);
	return one;
}

/* One command taken apart: words in brackets, then redirections. */
static const char *parse(const char *text)
{
	struct ka_line l;
	struct ka_error *err = ka_line_parse(a, text, &l);
	struct ka_str all = {0};
	const char *got;

	if (err) {
		got = ka_printf(a, "error: %s", err->message);
		CHECK_INT(err->code, KA_USAGE);
		ka_error_free(err);
		return got;
	}
	for (int i = 0; i < l.count; i++)
		ka_str_printf(&all, "[%s]", l.words[i]);
	CHECK(!l.words[l.count]);
	if (l.from)
		ka_str_printf(&all, " <%s", l.from);
	if (l.to)
		ka_str_printf(&all, " %s%s", l.is_appended ? ">>" : ">", l.to);
	if (l.shell)
		ka_str_printf(&all, " |%s", l.shell);
	got = ka_strdup(a, all.p ? all.p : "");
	ka_str_free(&all);
	return got;
}

static void check_cuts(void)
{
	CHECK_STR(cuts("bt; log ;ps -a"), "[bt][log][ps -a]");
	CHECK_STR(cuts(";; \n ; bt\n\nlog\r\n"), "[bt][log]");
	CHECK_STR(cuts(""), "");
	CHECK_STR(cuts("foreach 'a;b' bt; x"), "[foreach 'a;b' bt][x]");
	CHECK_STR(cuts("ps | awk \"{print; }\"; bt"), "[ps | awk \"{print; }\"][bt]");
	CHECK_STR(cuts("ps \\; x; y"), "[ps \\; x][y]");
	CHECK_STR(cuts("# all; of it\nbt # why; not\n// it's a comment\nlog;# x"), "[bt][log]");
	CHECK_STR(cuts("files #3 // x"), "[files]");
	CHECK_STR(cuts("files a#3 // x"), "[files a#3 // x]");
	CHECK_STR(cuts("ps | grep # 1; x"), "[ps | grep # 1][x]");
	CHECK_STR(cuts("!ls; pwd # x\nbt"), "[!ls; pwd # x][bt]");
	CHECK_STR(cuts("!"), "[!]");
	CHECK_STR(cuts("ps 'open\nbt"), "[ps 'open][bt]");
	CHECK_STR(cuts("a\\\nb"), "[a\\][b]");
}

static void check_words(void)
{
	CHECK_STR(parse("ps -a 12"), "[ps][-a][12]");
	CHECK_STR(parse("alias la \"ps -a\""), "[alias][la][ps -a]");
	CHECK_STR(parse("foreach 'a b'c\"d e\" ''x \"\""), "[foreach][a bcd e][x][]");
	CHECK_STR(parse("ps '^k.*\\d \"' ''"), "[ps]['^k.*\\d \"']['']");
	CHECK_STR(parse("p \"a\\\"b\\\\\" c\\ d '\\n'x"), "[p][a\"b\\][c d][\\nx]");
	CHECK_STR(parse("ps \\1234 \\d"), "[ps][\\1234][\\d]");
	CHECK_STR(parse("x \\| \\> y"), "[x][|][>][y]");
	CHECK_STR(parse("x 'open"), "error: the quote ' is not closed");
	CHECK_STR(parse("x \"open\\\""), "error: the quote \" is not closed");
	CHECK_STR(ka_words_skip("repeat -1  bt  'a b' | x", 2), "bt  'a b' | x");
	CHECK_STR(ka_words_skip("r 'a b' c", 2), "c");
	CHECK_STR(ka_words_skip("r", 2), "");
}

static void check_redirections(void)
{
	CHECK_STR(parse("ps|grep -v 'a|b' | wc > f"), "[ps] |grep -v 'a|b' | wc > f");
	CHECK_STR(parse("ps -m > out.txt"), "[ps][-m] >out.txt");
	CHECK_STR(parse("ps >>'my out'"), "[ps] >>my out");
	CHECK_STR(parse("bt < list > out"), "[bt] <list >out");
	CHECK_STR(parse("bt <list | sort"), "[bt] <list |sort");
	CHECK_STR(parse("< cmds"), " <cmds");
	CHECK_STR(parse("<cmds>out"), " <cmds >out");
	CHECK_STR(parse("eval (1 | 2) | cat"), "[eval][(1][|][2)] |cat");
	CHECK_STR(parse("p (a > b)"), "[p][(a][>][b)]");
	CHECK_STR(parse("p task->comm"), "[p][task->comm]");
	CHECK_STR(parse("p ((struct file *)0)->f_path->mnt > x"), "[p][((struct][file][*)0)->f_path->mnt] >x");
	CHECK_STR(parse("sym foo( | less"), "[sym][foo(] |less");
	CHECK_STR(parse("log | grep \"it's\""), "[log] |grep \"it's\"");
	CHECK_STR(parse("ps -> x"), "[ps][-] >x");
	CHECK_STR(parse("ps |"), "error: no command behind '|'");
	CHECK_STR(parse("| less"), "error: no command before '|'");
	CHECK_STR(parse("> f"), "error: no command before '>'");
	CHECK_STR(parse("ps >"), "error: no file name behind '>'");
	CHECK_STR(parse("ps >> | x"), "error: no file name behind '>>'");
	CHECK_STR(parse("ps > a b"), "error: 'b' behind a redirection");
	CHECK_STR(parse("ps > a > b"), "error: two files behind '>'");
	CHECK_STR(parse("ps > a | b"), "error: output goes to a file or to a pipe, not to both");
	setenv("HOME", "/home/u", 1);
	CHECK_STR(parse("ps > ~/x"), "[ps] >/home/u/x");
}

static void check_nearest(void)
{
	CHECK_INT(ka_words_distance("log", "log"), 0);
	CHECK_INT(ka_words_distance("lgo", "log"), 1);
	CHECK_INT(ka_words_distance("files", "file"), 1);
	CHECK_INT(ka_words_distance("", "abc"), 3);
	CHECK_INT(ka_words_distance("kitten", "sitting"), 3);
	CHECK(ka_words_likeness("lgo", "log"));
	CHECK(ka_words_likeness("fil", "files"));
	CHECK(ka_words_likeness("moun", "mount") < ka_words_likeness("mo", "mount"));
	CHECK(!ka_words_likeness("x", "q"));
	CHECK(!ka_words_likeness("struct", "ps"));
}

/* Whatever comes in, nothing is read or written beyond its end (the sanitizers look on). */
static void check_noise(void)
{
	static const char letters[] = "a '\"\\|<>;#!/-()\n\t~";
	char text[24];
	uint64_t x = 88172645463325252ull;

	for (unsigned round = 0; round < 20000; round++) {
		const char *p = text, *one;
		unsigned n = round % sizeof(text);

		for (unsigned i = 0; i < n; i++) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			text[i] = letters[x % (sizeof(letters) - 1)];
		}
		text[n] = 0;
		while ((one = ka_line_cut(a, &p))) {
			struct ka_line l;

			check_count++;
			if (*one != '!')
				ka_error_drop(ka_line_parse(a, one, &l));
			ka_words_skip(one, 3);
		}
		if (round % 1000 == 0) {
			ka_arena_free(a);
			a = ka_arena_new();
		}
	}
}

CHECK_MAIN
{
	a = ka_arena_new();
	check_cuts();
	check_words();
	check_redirections();
	check_nearest();
	check_noise();
	ka_arena_free(a);
}
