/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt -u: the user-space stack of a task. */
#include <inttypes.h>
#include <kanalyze/user_stack.h>
#include "bt.h"

struct bt_user_frame {
	const char *mark, *shown, *where;
	uint32_t level;
	uint64_t ip, sp;
	const char *function;
	uint64_t offset;
	bool has_offset;
	const char *file;
	uint64_t file_offset;
	const char *by, *found, *source_file, *source;
	bool guess, signal;
	uint32_t line;
};
BT_LINES(user_frame, "user_frames", "{mark} [{sp:016}] {guess?? :}{shown} at {ip:016}{where? [%]}{found? (%)}{source?\n    %}",
	KA_COLF(bt_user_frame, mark, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_user_frame, level, KA_UINT, "number of the frame"),
	KA_COL(bt_user_frame, sp, KA_ADDR, "stack pointer in this frame"),
	KA_COL(bt_user_frame, ip, KA_ADDR, "instruction it returns to, or was at"),
	KA_COL(bt_user_frame, function, KA_TEXT, "function; null: no symbol is known"),
	KA_COL_IF(bt_user_frame, offset, KA_UINT, has_offset, "bytes from the start of the function to ip"),
	KA_COLF(bt_user_frame, shown, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_user_frame, where, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_user_frame, file, KA_TEXT, KA_ONLY_JSON, "path of the file that is mapped there, or [vdso], [heap] ...; null: nothing is"),
	KA_COLF(bt_user_frame, file_offset, KA_HEX, KA_ONLY_JSON, "where in that file"),
	KA_COL(bt_user_frame, by, KA_TEXT, "who found the frame: start, cfi, fp, pt_regs (what a signal's delivery saved), call"),
	KA_COLF(bt_user_frame, found, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COL(bt_user_frame, guess, KA_BOOL, "found without call frame information: marked ? in text"),
	KA_COLF(bt_user_frame, signal, KA_BOOL, KA_ONLY_JSON, "a signal interrupted it, whose handler is the frame before"),
	KA_COLF(bt_user_frame, source_file, KA_TEXT, KA_ONLY_JSON, "source file (-l)"),
	KA_COLF(bt_user_frame, line, KA_UINT, KA_ZERO_IS_NONE, "line in it (-l)"),
	KA_COLF(bt_user_frame, source, KA_TEXT, KA_ONLY_TEXT, ""));

struct bt_user_end {
	const char *end;
	const char *const *remarks;
	uint32_t word;
};
BT_LINES(user_end, "user_ends", "{end}",
	KA_COL(bt_user_end, end, KA_TEXT, "why there are no more frames: (end), or what lacked"),
	KA_COLF(bt_user_end, remarks, KA_LIST, KA_ONLY_JSON, "files of the sysroot that lacked, or are of another build"),
	KA_COLF(bt_user_end, word, KA_UINT, KA_ONLY_JSON, "bytes of a pointer of this task"));

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void name_frame(struct bt *b, const struct ka_user_frame *f, struct bt_user_frame *row)
{
	if (f->function) {
		row->function = f->function;
		row->offset = f->offset;
		row->has_offset = true;
		row->where = f->file && f->file[0] == '[' ? ka_strndup(b->arena, f->file + 1, strcspn(f->file + 1, "]")) : f->file;
		row->shown = !b->has_offsets || !f->offset ? f->function :
			     ka_printf(b->arena, b->is_hex ? "%s+0x%" PRIx64 : "%s+%" PRIu64, f->function, f->offset);
	} else if (f->file) {
		row->shown = ka_printf(b->arena, "%s+0x%" PRIx64, base_name(f->file), f->file_offset);
		row->where = strchr(f->file, '/') ? f->file : NULL;
	} else {
		row->shown = "(unknown)";
	}
	if (!b->has_lines || !f->source.file)
		return;
	row->source_file = f->source.file;
	row->line = f->source.line;
	row->source = ka_printf(b->arena, "%s: %u", f->source.file, f->source.line);
}

/* The words between two stack pointers, two to a line, with the width of the task's pointers. */
static void put_words(struct bt *b, ka_addr mm, uint64_t at, uint64_t end, unsigned word)
{
	enum { WORDS_MAX = 65536 };
	uint8_t bytes[8];

	for (unsigned n = 0; at < end && n < WORDS_MAX && !ka_interrupted(); n++, at += word) {
		struct ka_error *err = NULL;
		bool is_there = ka_read_user(b->k, mm, at, bytes, word, &err) == word;

		ka_error_free(err);
		if (n % 2 == 0)
			ka_out_note(b->c->out, n ? "\n    %0*" PRIx64 ":" : "    %0*" PRIx64 ":", (int)word * 2, at);
		if (is_there)
			ka_out_note(b->c->out, " %0*" PRIx64, (int)word * 2, ka_uint_from(b->k, bytes, word));
		else
			ka_out_note(b->c->out, " %.*s", (int)word * 2, "----------------");
		if (at + word >= end)
			ka_out_note(b->c->out, "\n");
	}
}

void bt_user_put(struct bt *b, ka_addr task)
{
	const char *sysroot = ka_call_setting(b->c, "sysroot");
	struct ka_user_stack st;
	struct bt_user_end end;
	struct ka_task t;
	struct ka_error *err;

	if (sysroot && !strcmp(sysroot, "none"))
		sysroot = NULL;
	err = ka_task_read(b->k, task, &t);
	if (!err)
		err = ka_unwind_user(b->k, task, sysroot, b->arena, &st);
	if (err) {
		ka_call_fault(b->c, err);
		return;
	}
	if (st.regs)
		bt_saved_put(b, st.regs);
	for (size_t i = 0; i < st.count; i++) {
		const struct ka_user_frame *f = &st.frames[i];
		struct bt_user_frame row = { .level = f->level, .ip = f->ip, .sp = f->sp, .file = f->file, .file_offset = f->file_offset,
					     .by = ka_frame_by_name(f->by), .guess = f->is_guess, .signal = f->is_signal };

		if (f->is_signal)
			ka_out_note(b->c->out, "--- <signal> ---\n");
		row.mark = ka_printf(b->arena, f->level < 10 ? " #%u" : "#%u", f->level);
		name_frame(b, f, &row);
		if (b->has_by)
			row.found = row.by;
		ka_out_row(b->c->out, &bt_rows_user_frame, &row);
		if (b->data && i + 1 < st.count)
			put_words(b, t.mm, f->sp, st.frames[i + 1].sp, st.word);
	}
	end = (struct bt_user_end){ .end = st.end, .remarks = st.remarks, .word = st.word };
	for (size_t i = 0; st.remarks && st.remarks[i]; i++)
		ka_out_note(b->c->out, "(%s)\n", st.remarks[i]);
	ka_out_row(b->c->out, &bt_rows_user_end, &end);
}
