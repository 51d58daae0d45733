/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The shell's face of the output: where rows go, in which format, and what frames a command's rows. */
#ifndef KA_OUT_H
#define KA_OUT_H

#include <kanalyze/row.h>

enum ka_out_format { KA_OUT_TEXT, KA_OUT_JSON, KA_OUT_JSONL };

/*
 * Sink: where the bytes go. Text is formatted straight into buf, which is written out
 * in blocks. A sink whose reader went away (a pager that was left, `| head`) is broken:
 * it drops what comes and sets the interrupt, so that the command ends early.
 */
struct ka_sink {
	struct ka_str buf;
	int fd;			/* -1: nowhere: the text stays in buf (tests, captures) */
	void (*on_full)(struct ka_sink *s);	/* such a one: asked after each row to take away what has piled up; NULL: nobody does */
	bool owns_fd;
	bool is_terminal;	/* a long text is not written to its end after Ctrl-C */
	bool is_broken;
	int error;		/* errno of the first write that failed for another reason than a gone reader */
	uint64_t flushed_ms;	/* coarse clock of the last flush */
	struct ka_pager *pager;	/* NULL: written straight to fd */
};

void ka_sink_init(struct ka_sink *s, int fd, bool owns_fd);
/* Text longer than the screen goes through the pager; shorter text to fd, a terminal. command: "less -R", run by /bin/sh. */
void ka_sink_init_pager(struct ka_sink *s, int fd, const char *command, unsigned screen_rows, unsigned screen_columns);
/* Writes out what is due: a full block, or what has waited for long. Cheap: called after each row. */
void ka_sink_tick(struct ka_sink *s);
/* Writes out all (a pager that was not yet started may go on holding it). */
void ka_sink_flush(struct ka_sink *s);
/* Flushes, waits for the pager, closes the descriptor it owns. The error says that not all could be written. */
struct ka_error *ka_sink_close(struct ka_sink *s) KA_MUST_CHECK;

/* The pager command: $KANALYZE_PAGER, $PAGER, less, more; in the arena. NULL: none is there. */
const char *ka_pager_command(struct ka_arena *a);

/* struct ka_out lives as long as the session: it keeps the parsed templates. */
struct ka_out *ka_out_new(void);
void ka_out_free(struct ka_out *out);
/* Where rows go from now on. The sink belongs to the caller. has_colour: only ever true for a terminal. */
void ka_out_direct(struct ka_out *out, struct ka_sink *sink, enum ka_out_format format, bool has_colour);
struct ka_sink *ka_out_sink(const struct ka_out *out);
enum ka_out_format ka_out_format(const struct ka_out *out);
/*
 * One command's output is one document. default_rows (may be NULL) names the array that is shown empty
 * when the command had no row at all. Documents nest (a command that runs commands): the inner one stands alone
 * in JSON lines and text, and is an element of the array "commands" of the outer one in JSON.
 */
void ka_out_document_begin(struct ka_out *out, const char *command, const struct ka_rows *default_rows);
void ka_out_document_end(struct ka_out *out);
/* Text: "kanalyze: COMMAND: MESSAGE" to standard error, in order with the rows. JSON: into "errors". Does not take err. */
void ka_out_fault(struct ka_out *out, const struct ka_error *err);
/* Where the faults of text go: "default" standard error, "redirect" along with the rows, else a file, appended to. */
struct ka_error *ka_out_faults_to(struct ka_out *out, const char *where) KA_MUST_CHECK;

/* JSON: members (",\"pid\":1", kept by the caller; NULL: none) that all documents begun from now on have behind their command. */
void ka_out_subject(struct ka_out *out, const char *members);

/*
 * Parts of the document that whole has open, made by other threads and put together in order. A part is a struct ka_out of its own with a
 * sink that goes nowhere; ka_out_part_begin() makes it anew. ka_out_part_add() moves what it has so far to whole, and hands on the faults of
 * text (fault takes err) where they came. Where a part is in the middle of a row of JSON nothing can be moved.
 */
void ka_out_part_begin(struct ka_out *part, const struct ka_out *whole, struct ka_sink *sink);
void ka_out_part_add(struct ka_out *whole, struct ka_out *part, void (*fault)(void *ctx, struct ka_error *err), void *ctx);
/* Closes rows that its command left open. */
void ka_out_part_end(struct ka_out *part);
bool ka_out_part_can_add(const struct ka_out *part);
size_t ka_out_part_size(const struct ka_out *part);	/* bytes that wait */

/* Is the description sound: do templates name columns that exist, do members have the size of their types? NULL: yes. */
struct ka_error *ka_rows_check(const struct ka_rows *rows) KA_MUST_CHECK;

/* Bytes of a dump made harmless: control characters (C0 but those kept, DEL, C1, direction marks) and what is not UTF-8
 * as \xNN. Returns the columns used, one a code point. keep_breaks: line breaks and tabs pass. */
size_t ka_escape_text(struct ka_str *to, const char *s, size_t n, bool keep_breaks);
/* A JSON string with its quotes; a byte that is not UTF-8 becomes U+FFFD, control characters \u00NN. */
void ka_escape_json(struct ka_str *to, const char *s, size_t n);

#endif
