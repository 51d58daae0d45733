/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* help and man: pages made from the tables that the commands themselves are made of. */
#include "session.h"

#define COLUMNS 78

const struct ka_topic ka_topics[] = {
	{ "input", "how command lines are written",
	  "A line holds a command and its arguments, or several commands with ';' between them. Words are separated by blanks;\n"
	  "double quotes hold words together, and so do single quotes, which also mark a regular expression. A backslash takes\n"
	  "the meaning from a blank, a quote or one of | < > ; #. A line, or its rest, is a comment from '#' on; a line that\n"
	  "begins with '//' is one, too.\n"
	  "\n"
	  "    COMMAND | PIPELINE      the output goes to PIPELINE, which /bin/sh runs as it is written\n"
	  "    COMMAND > FILE          the output goes to FILE\n"
	  "    COMMAND >> FILE         the same, behind what FILE holds\n"
	  "    COMMAND < FILE          runs COMMAND once for each line of FILE, the line's words behind its arguments\n"
	  "    < FILE                  runs the commands of FILE\n"
	  "    !COMMAND                /bin/sh runs COMMAND; the rest of the line is the shell's\n"
	  "    !                       an interactive shell\n"
	  "    !!  !N                  the last line again, line N of the history (see h)\n"
	  "\n"
	  "Within parentheses, < > | belong to an expression. A word that is no command is looked for as an alias, a symbol, a\n"
	  "type, and an address of the kernel, and handed to the command that shows such a thing.\n"
	  "\n"
	  "At the prompt, TAB completes commands, options, variables, symbols, types and their members; Ctrl-C stops the running\n"
	  "command, Ctrl-D leaves. At the start ~/.kanalyzerc is run, then ./.kanalyzerc if it is yours.\n" },
	{ "expressions", "C over the dump: wherever an address or a value is expected",
	  "Expressions are C's: all operators that change nothing, casts, sizeof, _Alignof, typeof, offsetof(TYPE, PATH),\n"
	  "container_of(POINTER, TYPE, PATH), enumerators, functions (their addresses) and variables with their types. a[2..5]\n"
	  "is an array of four elements; == != < > compare char arrays and char pointers with \"text\", =~ and !~ match them\n"
	  "with a pattern of the shell. Nothing in a dump can be changed: there is no assignment.\n"
	  "\n"
	  "Where an address is expected (rd, vtop, sym, eval ...), a symbol is its address and numbers are hexadecimal without\n"
	  "0x (eval: decimal unless there is an a-f in them); with p and --where, a variable is what it holds and numbers are C's.\n"
	  "\n"
	  "NAME@FILE is the variable, function or type of that source file, when several have one. A per-CPU variable is one\n"
	  "CPU's as NAME:3, and several as NAME:1,3-5 or NAME:a. $rip and the like are registers of the current task where it\n"
	  "was stopped, 'set $x = EXPR' keeps a value. Of several commands on a line or a pipe: parentheses or double quotes keep\n"
	  "| < and > from being taken for these.\n"
	  "\n"
	  "--where EXPR takes those objects of which EXPR is true: the object has a name (task), its members are names by\n"
	  "themselves. Single quotes hold it together:\n"
	  "\n"
	  "    ps --where 'task->mm && comm == \"nginx\"'\n"
	  "    foreach --where 'se.vruntime > 1000000 && cpus_mask.bits[0] == 1' bt\n"
	  "    rd init_task.comm 16\n"
	  "    set $f = (struct file *)0xffff888004a20000\n"
	  "    vtop $f->f_mapping\n" },
	{ "output", "text, JSON and where they go",
	  "On a terminal, output longer than the screen goes through a pager (see 'set scroll'), with colours unless NO_COLOR is\n"
	  "set. Errors go to standard error (see 'set error'): 'kanalyze: COMMAND: MESSAGE'. What could not be read is told, and\n"
	  "the rest is shown. Control characters of the dump are shown as \\xNN and never reach a terminal.\n"
	  "\n"
	  "With --json (or 'set output json') each command is one JSON document on a line of its own:\n"
	  "\n"
	  "    {\"command\":\"bt\",\"stacks\":[{\"pid\":1,...,\"frames\":[...]}],\"errors\":[{\"code\":...,\"message\":...}]}\n"
	  "\n"
	  "With --jsonl each row is a document: {\"command\":\"ps\",\"row\":\"tasks\",\"pid\":1,...}, errors are of the row \"errors\". The\n"
	  "rows of a command and their keys are listed by its help. Addresses are strings (\"0xffff...\"), numbers are numbers, what\n"
	  "is absent is null. Strings are UTF-8: a byte that is none is shown as U+FFFD.\n"
	  "\n"
	  "The exit status of a batch is 0 when all went well, 1 with errors in the data, 2 with a wrong command or option, and 3\n"
	  "when the dump could not be opened: the worst of all commands.\n" },
	{0},
};

/* Blank lines and lines that begin with a blank stand as they are; other lines next to each other are a paragraph. */
size_t ka_help_block(const char *text, bool *ret_is_prose)
{
	size_t len = strcspn(text, "\n");

	*ret_is_prose = *text && *text != ' ' && *text != '\n';
	while (*ret_is_prose && text[len] == '\n' && text[len + 1] && text[len + 1] != ' ' && text[len + 1] != '\n')
		len += 1 + strcspn(text + len + 1, "\n");
	return len + (text[len] == '\n');
}

/* Words of text in lines that end before COLUMNS, from column on. */
static void wrap_add(struct ka_str *to, const char *text, size_t column)
{
	size_t at = column;

	for (const char *p = text; *p;) {
		size_t len = strcspn(p, " \n");

		if (at > column && at + 1 + len > COLUMNS) {
			ka_str_addc(to, '\n');
			ka_str_pad(to, ' ', column);
			at = column;
		} else if (at > column) {
			ka_str_addc(to, ' ');
			at++;
		}
		ka_str_addn(to, p, len);
		at += len;
		p += len + strspn(p + len, " \n");
	}
	ka_str_addc(to, '\n');
}

static void body_add(struct ka_str *to, const char *text)
{
	bool is_prose;

	for (size_t len; *text; text += len) {
		char *block;

		len = ka_help_block(text, &is_prose);
		block = ka_xstrndup(text, len);
		if (*block != '\n')
			ka_str_add(to, "  ");
		if (is_prose)
			wrap_add(to, block, 2);
		else
			ka_str_add(to, block);
		free(block);
	}
}

static void options_add(struct ka_str *to, const struct ka_option *options)
{
	size_t width = 0;

	for (const struct ka_option *o = options; o->name; o++) {
		size_t len = strlen(o->name) + (o->arg ? strlen(o->arg) + 1 : 0) + (o->is_long ? 2 : 1);

		width = KA_MAX(width, len);
	}
	width = KA_MIN(width, 16u);
	for (const struct ka_option *o = options; o->name; o++) {
		size_t start = to->len;

		ka_str_printf(to, "  %s%s%s%s", o->is_long ? "--" : "-", o->name, o->arg && o->arg[0] != '[' ? " " : "", o->arg ? o->arg : "");
		if (to->len - start > width + 2) {
			ka_str_addc(to, '\n');
			start = to->len;
		}
		ka_str_pad(to, ' ', width + 4 - (to->len - start));
		wrap_add(to, o->help, width + 4);
	}
}

static void rows_add(struct ka_str *to, const struct ka_rows *rows)
{
	size_t width = 0;

	ka_str_printf(to, "  %s (%s)\n", rows->name, rows->shape == KA_SHAPE_RECORD ? "an object" : "an array of objects");
	for (size_t i = 0; i < rows->col_count; i++)
		width = KA_MAX(width, strlen(rows->cols[i].key));
	width = KA_MIN(width, 24u);
	for (size_t i = 0; i < rows->col_count; i++) {
		const struct ka_col *col = &rows->cols[i];
		size_t start = to->len;

		if (col->flags & KA_ONLY_TEXT)
			continue;
		ka_str_printf(to, "    %s  ", col->key);
		if (to->len - start < width + 6)
			ka_str_pad(to, ' ', width + 6 - (to->len - start));
		wrap_add(to, col->help, KA_MAX(width + 6, to->len - start));
	}
}

const char *ka_help_page(struct ka_arena *a, const struct ka_command *c)
{
	struct ka_str to = {0};
	const char *text;

	ka_str_printf(&to, "NAME\n  %s - %s\n\nSYNOPSIS\n  ", c->name, c->brief);
	ka_str_add(&to, c->name);
	if (c->args && *c->args)
		ka_str_addc(&to, ' ');
	wrap_add(&to, c->args ? c->args : "", 3 + strlen(c->name));
	if (c->options && c->options->name) {
		ka_str_add(&to, "\nOPTIONS\n");
		options_add(&to, c->options);
	}
	ka_str_add(&to, "\nDESCRIPTION\n");
	body_add(&to, c->help);
	if (c->rows && c->rows[0]) {
		ka_str_add(&to, "\nJSON\n");
		for (size_t i = 0; c->rows[i]; i++)
			rows_add(&to, c->rows[i]);
	}
	text = ka_strndup(a, to.p, to.len - (to.p[to.len - 1] == '\n'));
	ka_str_free(&to);
	return text;
}

struct command_row { const char *name, *brief; };
KA_LINES(command_row, "commands", "{name:10} {brief}",
	KA_COL(command_row, name, KA_TEXT, "of the command or topic"),
	KA_COL(command_row, brief, KA_TEXT, "what it does, in a line"));

struct page_row { const char *name, *args, *brief, *description, *text; };
KA_LINES(page_row, "pages", "{text}",
	KA_COLF(page_row, name, KA_TEXT, KA_ONLY_JSON, "of the command or topic"),
	KA_COLF(page_row, args, KA_TEXT, KA_ONLY_JSON, "its arguments; null: a topic"),
	KA_COLF(page_row, brief, KA_TEXT, KA_ONLY_JSON, "what it does, in a line"),
	KA_COLF(page_row, description, KA_TEXT, KA_ONLY_JSON, "all about it"),
	KA_COLF(page_row, text, KA_TEXT, KA_ONLY_TEXT, NULL));

struct option_row { const char *name, *arg, *help; bool is_long; };
KA_LINES(option_row, "options", "{name}",
	KA_COL(option_row, name, KA_TEXT, "of the option, without dashes"),
	KA_COL(option_row, arg, KA_TEXT, "the value it takes; null: none"),
	KA_COL(option_row, help, KA_TEXT, "what it does"),
	KA_COL(option_row, is_long, KA_BOOL, "is it written with two dashes"));

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct command_row *)a)->name, ((const struct command_row *)b)->name);
}

static void list_show(struct ka_call *c)
{
	struct { KA_VEC(struct command_row); } all = {0};
	const struct ka_command *command;
	size_t width = 0, across, down;

	for (size_t at = 0; (command = ka_command_next(c->session, &at));)
		ka_vec_push(&all, (struct command_row){ command->name, command->brief });
	qsort(all.at, all.n, sizeof(*all.at), by_name);
	for (size_t i = 0; i < all.n; i++) {
		if (!ka_out_is_text(c->out))
			ka_out_row(c->out, &ka_rows_command_row, &all.at[i]);
		width = KA_MAX(width, strlen(all.at[i].name) + 4);
	}
	across = KA_MAX(COLUMNS / width, 1u);
	down = (all.n + across - 1) / across;
	ka_out_note(c->out, "\n");
	for (size_t y = 0; y < down; y++) {
		struct ka_str line = {0};

		for (size_t x = 0; x < across && x * down + y < all.n; x++) {
			ka_str_pad(&line, ' ', x * width - line.len);
			ka_str_add(&line, all.at[x * down + y].name);
		}
		ka_out_note(c->out, "%s", line.p);
		ka_str_free(&line);
	}
	ka_vec_free(&all);
	ka_out_note(c->out, "\n'help COMMAND' tells all about a command, 'help all' lists them with what they do,\n"
			    "'help input' and 'help output' tell how command lines are written and where output goes.\n");
}

static void all_show(struct ka_call *c)
{
	const struct ka_command *command;

	for (size_t at = 0; (command = ka_command_next(c->session, &at));)
		ka_out_row(c->out, &ka_rows_command_row, &(struct command_row){ command->name, command->brief });
	for (const struct ka_topic *t = ka_topics; t->name; t++)
		ka_out_row(c->out, &ka_rows_command_row, &(struct command_row){ t->name, t->brief });
}

static void page_show(struct ka_call *c, const struct ka_command *command)
{
	struct page_row page = { command->name, command->args, command->brief, command->help,
				 ka_out_is_text(c->out) ? ka_help_page(c->arena, command) : NULL };

	ka_out_begin(c->out, &ka_rows_page_row, &page);
	if (!ka_out_is_text(c->out)) {
		for (const struct ka_option *o = command->options; o && o->name; o++)
			ka_out_row(c->out, &ka_rows_option_row, &(struct option_row){ o->name, o->arg, o->help, o->is_long });
	}
	ka_out_end(c->out);
}

static bool topic_show(struct ka_call *c, const char *name)
{
	for (const struct ka_topic *t = ka_topics; t->name; t++) {
		if (!strcmp(t->name, name)) {
			struct ka_str to = {0};

			ka_str_printf(&to, "NAME\n  %s - %s\n\nDESCRIPTION\n", t->name, t->brief);
			body_add(&to, t->help);
			to.p[to.len - 1] = 0;
			ka_out_row(c->out, &ka_rows_page_row, &(struct page_row){ t->name, NULL, t->brief, t->help, to.p });
			ka_str_free(&to);
			return true;
		}
	}
	return false;
}

static struct ka_error *help_run(struct ka_call *c)
{
	if (c->option_count) {
		const struct ka_command *dump = ka_command_find(c->session, "dump");

		return dump ? dump->run(c) : ka_error_new(KA_NOT_FOUND, "there is no command 'dump'");
	}
	if (!c->argc)
		list_show(c);
	for (int i = 0; i < c->argc; i++) {
		const char *name = c->argv[i], *nearest;
		const struct ka_command *command = ka_command_find(c->session, name);
		const struct ka_alias *alias = ka_alias_find(c->session, name);

		if (!strcmp(name, "all")) {
			all_show(c);
			continue;
		}
		if (!command && alias) {
			ka_out_note(c->out, "%s is an alias of '%s'\n", name, alias->text);
			command = ka_command_find(c->session, ka_strndup(c->arena, alias->text, strcspn(alias->text, " ")));
		}
		if (command) {
			page_show(c, command);
		} else if (!topic_show(c, name)) {
			nearest = ka_command_nearest(c->session, name);
			ka_call_fault(c, nearest ? ka_error_new(KA_NOT_FOUND, "there is no command '%s': did you mean '%s'?", name, nearest) :
						   ka_error_new(KA_NOT_FOUND, "there is no command '%s'", name));
		}
		if (i + 1 < c->argc)
			ka_out_note(c->out, "\n");
	}
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_command_row, &ka_rows_page_row, &ka_rows_option_row, NULL };

/* crash's ways to its own tables; of those what tells of the dump */
static const struct ka_option help_options[] = {
	{ "n", NULL, "the dump file: the same as the command dump", false },
	{ "D", NULL, "the same", false },
	{ NULL, NULL, NULL, false },
};

const struct ka_command ka_command_help = {
	.name = "help",
	.args = "[-n | -D] [COMMAND | TOPIC | all]...",
	.options = help_options,
	.brief = "what there is, and all about a command",
	.help = "Without arguments lists the commands. With COMMAND, shows its options, what they do, examples, and the keys of its\n"
		"JSON. The topics are input (how command lines are written) and output (text, JSON, and where they go); all lists every\n"
		"command with a line on what it does.\n",
	.rows = rows,
	.run = help_run,
};

const struct ka_command ka_command_man = {
	.name = "man",
	.args = "[COMMAND | TOPIC | all]...",
	.brief = "the same as help",
	.help = "See help.\n",
	.rows = rows,
	.run = help_run,
};
