/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Rows: what a command puts out. One description serves text and JSON:
 *
 *	struct ps_row { bool active; int32_t pid; ka_addr task; const char *comm; };
 *	KA_ROWS(ps_row, "tasks", "      PID        TASK        COMM",
 *		"{active?>: } {pid:7}  {task:016}  {comm}",
 *		KA_COL(ps_row, active, KA_BOOL, "is it on a CPU"),
 *		KA_COL(ps_row, pid, KA_INT, "process id"), ...);
 *	ka_out_row(c->out, &ka_rows_ps_row, &row);
 *
 * Template: text, and {KEY[:SPEC]} for a cell. SPEC = [<|>][0][WIDTH][x|d|s|TYPE-SPECIFIC]: '<' left, '>' right
 * (default: numbers right, strings left), 0 pads with zeros. KA_ADDR cells print as hex without 0x, 'X' puts 0x before.
 * {KEY?TEXT:ELSE} prints TEXT when the cell is present and not 0/false/empty, else ELSE (":ELSE" may be left out);
 * within TEXT and ELSE, % is the cell itself, in the format of {KEY:SPEC?TEXT:ELSE} when one is given; a backslash
 * takes the meaning from : } % and itself. {{ and }} are braces. Line breaks in the template are line breaks; each row
 * ends with one more. SPEC ".N": decimals of floats, characters at most of strings. Padding at the end of a line is dropped.
 *
 * JSON: every column but the text-only ones, in order; key = C member; addresses are strings "0xffff...";
 * what is absent is null, never 0.
 */
#ifndef KANALYZE_ROW_H
#define KANALYZE_ROW_H

#include <kanalyze/base.h>

enum ka_cell_type {
	KA_INT,		/* int8_t ... int64_t by the member's size */
	KA_UINT,	/* uint8_t ... uint64_t */
	KA_HEX,		/* unsigned; text hex, JSON a number */
	KA_ADDR,	/* uint64_t; text hex, JSON a string "0x..." */
	KA_BOOL,
	KA_FLOAT,	/* double; SPEC ".N" gives decimals (default 2) */
	KA_TEXT,	/* const char *; NULL is absent */
	KA_CHARS,	/* char[N], terminated or not */
	KA_LIST,	/* const char *const *, NULL-terminated: JSON an array of strings, text joined by ", " */
	KA_VALUE,	/* const struct ka_node *: JSON nests it. Of JSON alone (KA_ONLY_JSON); its text is a KA_ONLY_TEXT column beside it */
};

/* A tree of values: a struct of the kernel, an array (see kanalyze/value.h). At most KA_NODE_DEPTH_MAX deep. */
#define KA_NODE_DEPTH_MAX 64
enum ka_node_kind { KA_NODE_NULL, KA_NODE_BOOL, KA_NODE_INT, KA_NODE_UINT, KA_NODE_ADDR, KA_NODE_FLOAT, KA_NODE_TEXT,
		    KA_NODE_LIST, KA_NODE_OBJECT };
struct ka_node {
	enum ka_node_kind kind;
	const char *key;		/* in an object */
	union {
		bool is_true;
		int64_t i;
		uint64_t u;		/* KA_NODE_UINT, KA_NODE_ADDR */
		double f;
		struct { const char *text; size_t size; };
		const struct ka_node *first;	/* KA_NODE_LIST, KA_NODE_OBJECT; NULL: empty */
	};
	const struct ka_node *next;	/* beside it in its list or object */
};

enum ka_col_flag {
	KA_ONLY_TEXT = 1,	/* not in JSON */
	KA_ONLY_JSON = 2,	/* JSON (and documentation); a template may not use it */
	KA_ZERO_IS_NONE = 4,	/* 0 means absent: null in JSON, empty in text */
};

struct ka_col {
	const char *key;
	uint16_t offset, size;
	uint8_t type;		/* enum ka_cell_type */
	uint8_t flags;		/* enum ka_col_flag */
	int32_t present;	/* offset of a bool that says whether the cell is there; -1: always */
	const char *label;	/* of records: "KERNEL" */
	const char *help;	/* one line, for the documentation of JSON */
};

enum ka_shape { KA_SHAPE_TABLE, KA_SHAPE_LINE, KA_SHAPE_RECORD };

struct ka_rows {
	const char *name;	/* JSON key of the array (records: of the object) that the rows go to */
	enum ka_shape shape;
	const char *heading;	/* tables: printed once before the first row of a table; NULL: none */
	const char *line;	/* template; "": rows of JSON alone; NULL for records: "%12s: %s" per labelled column that is present */
	const struct ka_col *cols;
	size_t col_count;
};

#define KA_COL(s, m, t, help_)			{ #m, offsetof(struct s, m), sizeof(((struct s *)0)->m), t, 0, -1, NULL, help_ }
#define KA_COLF(s, m, t, flags_, help_)		{ #m, offsetof(struct s, m), sizeof(((struct s *)0)->m), t, flags_, -1, NULL, help_ }
/* present: a bool member of the host struct */
#define KA_COL_IF(s, m, t, present_, help_)	{ #m, offsetof(struct s, m), sizeof(((struct s *)0)->m), t, 0, offsetof(struct s, present_), NULL, help_ }
/* A labelled cell of a record; empty and NULL strings leave the line out. */
#define KA_CELL(s, m, t, flags_, label_, help_)	{ #m, offsetof(struct s, m), sizeof(((struct s *)0)->m), t, flags_, -1, label_, help_ }

#define KA_ROWS_(tag, name_, shape_, heading_, line_, ...)				\
	static const struct ka_col ka_cols_##tag[] = { __VA_ARGS__ };			\
	static const struct ka_rows ka_rows_##tag = { name_, shape_, heading_, line_, ka_cols_##tag, KA_COUNT(ka_cols_##tag) }
#define KA_ROWS(tag, name_, heading_, line_, ...)	KA_ROWS_(tag, name_, KA_SHAPE_TABLE, heading_, line_, __VA_ARGS__)
#define KA_LINES(tag, name_, line_, ...)		KA_ROWS_(tag, name_, KA_SHAPE_LINE, NULL, line_, __VA_ARGS__)
#define KA_RECORD(tag, name_, ...)			KA_ROWS_(tag, name_, KA_SHAPE_RECORD, NULL, NULL, __VA_ARGS__)

struct ka_out;

/* One row. JSON: appended to the array "name" of the open row, or of the command. */
void ka_out_row(struct ka_out *out, const struct ka_rows *rows, const void *row);
/* One row that has rows below it: what comes until ka_out_end() goes inside it. Text: its line first, then theirs. */
void ka_out_begin(struct ka_out *out, const struct ka_rows *rows, const void *row);
void ka_out_end(struct ka_out *out);
/* Words for the reader of text alone: a heading, or "\n" for a blank line; a line break that lacks is added. JSON leaves them out. */
void ka_out_note(struct ka_out *out, const char *fmt, ...) KA_PRINTF(2, 3);
/* An empty line before what comes next, unless it is the first of the command: between tasks, groups. Text alone. */
void ka_out_gap(struct ka_out *out);
/* Prints the table's heading again before its next row (crash's ps -p, -c do so per task). */
void ka_out_new_table(struct ka_out *out);
/*
 * What stands before an element of a tree drawn as text: "|  `- ", on a terminal with lines. is_last[i]: is its ancestor
 * at depth i + 1 the last of its siblings (at depth - 1: it itself). depth 0: "". In the arena.
 */
const char *ka_out_branch(const struct ka_out *out, struct ka_arena *a, const bool *is_last, unsigned depth);
/* JSON or JSON lines? For the rare command that has work to spare when nobody sees it. */
bool ka_out_is_text(const struct ka_out *out);

#endif
