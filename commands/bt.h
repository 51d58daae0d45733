/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of bt share. For commands alone. */
#ifndef KA_BT_H
#define KA_BT_H

#include <kanalyze/command.h>
#include <kanalyze/symbol.h>
#include <kanalyze/task.h>
#include <kanalyze/text.h>
#include <kanalyze/unwind.h>

/* Rows that another file puts out or lists. */
#define BT_LINES(tag, name_, line_, ...)					\
	static const struct ka_col bt_cols_##tag[] = { __VA_ARGS__ };		\
	const struct ka_rows bt_rows_##tag = { name_, KA_SHAPE_LINE, NULL, line_, bt_cols_##tag, KA_COUNT(bt_cols_##tag) }

enum bt_how { BT_FRAMES, BT_RAW, BT_TEXT, BT_TEXT_ALL, BT_SAVED, BT_OLD, BT_USER };

/* Functions inlined at one address, the innermost first, the real function last. */
struct bt_chain {
	ka_addr addr;
	struct ka_source *at;
	size_t n;
	const char *file;	/* of the innermost */
	unsigned line;
};

struct ka_fault;

struct bt {
	struct ka_call *c;
	struct ka_kernel *k;
	enum bt_how how;
	unsigned data;		/* 1: -f, 2: -F, 3: -FF */
	bool has_lines, has_offsets, is_hex, has_inline, has_by;
	bool is_first, has_registers;
	const char *ref;	/* -R; NULL: none */
	ka_addr ref_addr;	/* the same as a number; 0: it is none */
	struct ka_unwind_from from;
	const struct ka_fault *fault;	/* what ended the machine, when this stack has it; NULL: another stack */
	struct ka_arena *arena;	/* of the task that is being shown */
	struct ka_map chain_of;	/* address -> index + 1 */
	struct { KA_VEC(struct bt_chain); } chains;	/* what they point to is in the call's arena */
};

/* bt_regs.c: what an interrupt, exception or system call saved, with its registers. */
extern const struct ka_rows bt_rows_saved, bt_rows_register;
void bt_saved_begin(struct bt *b, const struct ka_pt_regs *pt);	/* ka_out_end() is the caller's */
void bt_saved_put(struct bt *b, const struct ka_pt_regs *pt);
/* Registers that are known in a frame. */
void bt_registers_put(struct bt *b, const struct ka_frame *f);

/* bt_frames.c */
extern const struct ka_rows bt_rows_frame, bt_rows_inlined;
void bt_frames_put(struct bt *b, struct ka_stack *st);
/* The one with this number, by itself. */
void bt_frame_put(struct bt *b, struct ka_stack *st, uint32_t level);
const struct bt_chain *bt_chain_at(struct bt *b, ka_addr addr);
/* Name of a text address as -s wants it; NULL: no symbol. back: bytes to look before it (return addresses). */
const char *bt_name(struct bt *b, ka_addr addr, bool has_offset, struct ka_symbol *ret);
/* Does the stack refer to what -R names? */
bool bt_frames_refer(struct bt *b, const struct ka_stack *st);
bool bt_address_refers(struct bt *b, ka_addr addr);

/* bt_words.c: words of stacks, raw, as symbols, as text addresses. */
extern const struct ka_rows bt_rows_word, bt_rows_text;
/* Of a frame: [at, end). */
void bt_words_put(struct bt *b, ka_addr at, ka_addr end, unsigned data);
void bt_raw_put(struct bt *b, ka_addr task);
void bt_text_put(struct bt *b, ka_addr task, const struct ka_stack *st);
bool bt_text_refers(struct bt *b, ka_addr task, const struct ka_stack *st);

/* bt_saved.c: -e, -E, -v */
extern const struct ka_rows bt_rows_area, bt_rows_overflow;
void bt_search_put(struct bt *b, ka_addr task);
void bt_search_cpus(struct bt *b, const bool *cpus, unsigned count);
void bt_check(struct bt *b);

/* bt_user.c: -u */
extern const struct ka_rows bt_rows_user_frame, bt_rows_user_end;
void bt_user_put(struct bt *b, ka_addr task);

/* bt_group.c */
extern const struct ka_rows bt_rows_group, bt_rows_member;
void bt_group_put(struct bt *b, const ka_addr *tasks, size_t count);

/* bt.c */
extern const struct ka_rows bt_rows_stack;

#endif
