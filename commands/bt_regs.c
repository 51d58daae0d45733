/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bt: the block of registers that an interrupt, exception or system call saved. */
#include <inttypes.h>
#include "bt.h"

/* What an interrupt, exception or system call saved. */
struct bt_saved {
	const char *text;
	ka_addr at, ip, sp;
	const char *function, *module;
	uint64_t offset;
	bool user;
};
BT_LINES(saved, "saved", "{text}",
	KA_COLF(bt_saved, text, KA_TEXT, KA_ONLY_TEXT, ""),
	KA_COLF(bt_saved, at, KA_ADDR, KA_ZERO_IS_NONE, "where the registers lie; null: in the notes of the dump"),
	KA_COL(bt_saved, ip, KA_ADDR, "instruction pointer"),
	KA_COL(bt_saved, sp, KA_ADDR, "stack pointer"),
	KA_COL(bt_saved, function, KA_TEXT, "function of ip; null: user mode, or no code"),
	KA_COL(bt_saved, offset, KA_UINT, "bytes from its start"),
	KA_COL(bt_saved, module, KA_TEXT, "module of the function"),
	KA_COL(bt_saved, user, KA_BOOL, "was it in user mode?"));

struct bt_register { const char *name; ka_addr value; };
BT_LINES(register, "registers", "",
	KA_COL(bt_register, name, KA_TEXT, "name of the register"),
	KA_COL(bt_register, value, KA_ADDR, "its value"));

static const char *place_text(struct bt *b, ka_addr at)
{
	struct ka_symbol s;
	uint64_t offset;

	if (!ka_symbol_at(b->k, at, &s, &offset))
		return "[unknown or invalid address]";
	return offset ? ka_printf(b->arena, "[%s+%" PRIu64 "]", s.name, offset) : ka_printf(b->arena, "[%s]", s.name);
}

/* One "{NAME}" of the architecture's own block; n characters of it are between the braces. */
static void put_register(struct bt *b, struct ka_str *to, const struct ka_pt_regs *pt, const char *word, size_t n)
{
	size_t name_size = strcspn(word, "@:}");

	for (unsigned i = 0; i < pt->count; i++) {
		if (strlen(pt->names[i]) != name_size || strncmp(pt->names[i], word, name_size))
			continue;
		if (word[name_size] == '@')
			ka_str_add(to, place_text(b, pt->value[i]));
		else
			ka_str_printf(to, "%0*" PRIx64, name_size < n ? atoi(word + name_size + 1) : 16, pt->value[i]);
	}
}

static const char *own_text(struct bt *b, const struct ka_pt_regs *pt)
{
	struct ka_str s = { 0 };
	const char *text;

	for (const char *at = pt->text; *at;) {
		size_t plain = strcspn(at, "{"), n = strcspn(at, "}");

		ka_str_addn(&s, at, plain);
		if (at[plain])
			put_register(b, &s, pt, at + plain + 1, n - plain - 1);
		at += at[plain] ? n + 1 : plain;
	}
	text = ka_strdup(b->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

/* Three to a line, names right-aligned to four, the last line as it comes: crash's block. */
static const char *register_text(struct bt *b, const struct ka_pt_regs *pt, const char *exception)
{
	struct ka_str s = { 0 };
	const char *text;

	if (exception)
		ka_str_printf(&s, "    [exception RIP: %s]\n", exception);
	for (unsigned i = 0; i < pt->count; i++) {
		const char *name = pt->names[i];
		bool is_segment = !strcmp(name, "CS") || !strcmp(name, "SS");
		bool is_first = i % 3 == 0;

		if (i && is_first)
			ka_str_addc(&s, '\n');
		ka_str_printf(&s, is_first ? "    " : "  ");
		if (is_segment)
			ka_str_printf(&s, "%s: %04" PRIx64, name, pt->value[i]);
		else if (!strcmp(name, "RFLAGS"))
			ka_str_printf(&s, "%s: %08" PRIx64, name, pt->value[i]);
		else
			ka_str_printf(&s, "%3s: %016" PRIx64, name, pt->value[i]);
	}
	text = ka_strdup(b->arena, s.p ? s.p : "");
	ka_str_free(&s);
	return text;
}

void bt_saved_begin(struct bt *b, const struct ka_pt_regs *pt)
{
	struct bt_saved row = { .at = pt->at, .ip = pt->ip, .sp = pt->sp, .user = pt->is_user };
	struct ka_symbol s;
	const char *exception = NULL;

	if (!pt->is_user) {
		exception = "unknown or invalid address";
		if (ka_symbol_at(b->k, pt->ip, &s, &row.offset)) {
			row.function = s.name;
			row.module = s.module;
			exception = ka_printf(b->arena, "%s+%" PRIu64, s.name, row.offset);
		}
	}
	row.text = pt->text ? own_text(b, pt) : register_text(b, pt, exception);
	ka_out_begin(b->c->out, &bt_rows_saved, &row);
	for (unsigned i = 0; i < pt->count && !ka_out_is_text(b->c->out); i++)
		ka_out_row(b->c->out, &bt_rows_register, &(struct bt_register){ pt->names[i], pt->value[i] });
}

void bt_saved_put(struct bt *b, const struct ka_pt_regs *pt)
{
	bt_saved_begin(b, pt);
	ka_out_end(b->c->out);
}


void bt_registers_put(struct bt *b, const struct ka_frame *f)
{
	struct ka_str s = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < KA_REGS_MAX && ka_reg_name(b->k, i); i++) {
		struct bt_register row = { ka_reg_name(b->k, i), f->state.value[i] };

		if (!(f->state.known >> i & 1))
			continue;
		if (!ka_out_is_text(b->c->out)) {
			ka_out_row(b->c->out, &bt_rows_register, &row);
			continue;
		}
		ka_str_printf(&s, n % 3 ? "  %3s: %0*" PRIx64 : "    %3s: %0*" PRIx64, row.name, (int)ka_long_size(b->k) * 2, row.value);
		if (++n % 3 == 0)
			ka_str_addc(&s, '\n');
	}
	if (s.len)
		ka_out_note(b->c->out, "%s", s.p);
	ka_str_free(&s);
}
