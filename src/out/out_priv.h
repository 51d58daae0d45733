/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the output share: a document that is being written, and its open rows. */
#ifndef KA_OUT_PRIV_H
#define KA_OUT_PRIV_H

#include "out.h"
#include "template.h"

#define DEPTH_MAX 32	/* rows within rows: a tree deeper than that is cut off by its command, not here */

/* Rows of one name at one level of a JSON document. The first name is written as it comes; the others wait for the end. */
struct group {
	const struct ka_rows *rows;
	size_t count;
	struct ka_str text;
};

struct level {
	const struct ka_rows *heading_of;	/* text: the table whose heading was printed last */
	struct ka_str *to;			/* JSON: where the members of this level's object go */
	const char *stream;			/* JSON: name of the array that is being written */
	struct {
		KA_VEC(struct group *);
	} groups;
};

struct document {
	const char *command;
	const struct ka_rows *default_rows;
	bool is_open;		/* JSON: its brace was written */
	bool had_inner;		/* another command's document came within */
	bool had_rows;
	bool had_text;		/* text: a line of it was written */
	const char *subject;	/* JSON: members that say whom it is of; NULL: none */
	struct ka_str errors;	/* JSON: the objects of its faults; JSON lines: those that wait for the end of a row */
};

struct ka_out {
	struct ka_sink *sink;
	enum ka_out_format format;
	bool has_colour;
	bool faults_redirected;		/* set error redirect */
	int faults_fd;			/* set error FILE; else standard error */
	struct ka_arena *arena;		/* of the templates */
	struct ka_map templates;	/* struct ka_rows * to struct ka_template * */
	struct level levels[DEPTH_MAX];
	size_t depth;			/* of the open row; 0: the document */
	size_t too_deep;		/* rows opened beyond DEPTH_MAX */
	bool is_gap_due;		/* text: an empty line before the next, should there be one before */
	const char *subject;		/* of the documents that begin */
	struct ka_part *part;		/* it is a part of another's document: part.c; else NULL */
	struct {
		KA_VEC(struct document);
	} documents;
};

struct document *ka_document_now(struct ka_out *out);

/* Text: one row, its table's heading before it where it is due. */
void ka_out_text_add(struct ka_out *out, const struct ka_rows *rows, const void *row);

/* JSON: the start of a row's object and where its members go; its end. */
struct ka_str *ka_out_json_begin(struct ka_out *out, const struct ka_rows *rows, const void *row);
void ka_out_json_end(struct ka_out *out, struct ka_str *to);
void ka_document_open(struct ka_out *out);
/* Writes the arrays and objects that waited for the end of a level. */
void ka_level_close(struct level *level);
/* So many rows at once, made elsewhere: their objects with commas between. */
void ka_out_json_group(struct ka_out *out, const struct ka_rows *rows, const char *text, size_t count);
/* JSON lines: faults that came in the middle of a row. */
void ka_errors_flush(struct ka_out *out);

/* Text: one fault to where faults go. */
void ka_fault_text(struct ka_out *out, const char *command, const struct ka_error *err);

/* part.c */
void ka_part_free(struct ka_out *out);
/* JSON: are rows of each name kept apart, as the whole has to put them in their places? */
bool ka_part_keeps_groups(const struct ka_out *out);
void ka_part_gap(struct ka_out *out);
/* Text: keeps a copy, to be told by the whole. */
void ka_part_fault(struct ka_out *out, const struct ka_error *err);

#endif
