/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ascii: a chart of the characters, and numbers as the characters they hold. */
#include <kanalyze/command.h>
#include <kanalyze/expr.h>

struct ascii_row {
	ka_addr value;
	const char *text;
};
KA_LINES(ascii_row, "values", "{value:016}: {text}",
	KA_COL(ascii_row, value, KA_ADDR, "the number"),
	KA_COL(ascii_row, text, KA_TEXT, "its bytes as they lie in memory; <NUL>, <ff> where they are no printable characters"));

struct ascii_code {
	uint8_t code;
	const char *name;
};
KA_LINES(ascii_code, "codes", "",
	KA_COLF(ascii_code, code, KA_UINT, KA_ONLY_JSON, "0 to 127"),
	KA_COLF(ascii_code, name, KA_TEXT, KA_ONLY_JSON, "the character, or the name of a control character"));

static const char *const control[33] = {
	"NUL", "SOH", "STX", "ETX", "EOT", "ENQ", "ACK", "BEL", "BS", "HT", "LF", "VT", "FF", "CR", "SO", "SI",
	"DLE", "DC1", "DC2", "DC3", "DC4", "NAK", "SYN", "ETB", "CAN", "EM", "SUB", "ESC", "FS", "GS", "RS", "US", "SP",
};

static const char *name_of(struct ka_arena *a, unsigned code)
{
	return code < KA_COUNT(control) ? control[code] : code == 127 ? "DEL" : ka_printf(a, "%c", (char)code);
}

static void chart(struct ka_call *c)
{
	ka_out_note(c->out, "\n");
	ka_out_note(c->out, "      0    1   2   3   4   5   6   7");
	ka_out_note(c->out, "    +-------------------------------");
	for (unsigned low = 0; low < 16; low++) {
		struct ka_str s = {0};

		ka_str_printf(&s, "  %X |", low);
		for (unsigned high = 0; high < 8; high++) {
			const char *name = name_of(c->arena, high << 4 | low);

			/* names to the right, characters under the middle of their column */
			ka_str_printf(&s, strlen(name) > 1 ? " %3s" : "  %s ", name);
		}
		while (s.len && s.p[s.len - 1] == ' ')
			s.p[--s.len] = 0;
		ka_out_note(c->out, "%s", s.p);
		ka_str_free(&s);
	}
	ka_out_note(c->out, "\n");
	for (unsigned code = 0; code < 128; code++) {
		struct ascii_code row = { .code = (uint8_t)code, .name = name_of(c->arena, code) };

		ka_out_row(c->out, &ka_rows_ascii_code, &row);
	}
}

static void show(struct ka_call *c, uint64_t value)
{
	struct ka_str s = {0};
	struct ascii_row row = { .value = value };
	unsigned n = ka_long_size(c->k) == 4 && value <= UINT32_MAX ? 4 : 8;

	/* in the order of a little-endian machine, the only ones there are */
	for (unsigned i = 0; i < n; i++) {
		unsigned code = value >> (8 * i) & 255;

		if (code > 127)
			ka_str_printf(&s, "<%02x>", code);
		else if (code < 32 || code == 127)
			ka_str_printf(&s, "<%s>", name_of(c->arena, code));
		else
			ka_str_addc(&s, (char)code);
	}
	row.text = s.p;
	ka_out_row(c->out, &ka_rows_ascii_row, &row);
	ka_str_free(&s);
}

static struct ka_error *run(struct ka_call *c)
{
	uint64_t value;

	if (!c->argc)
		chart(c);
	for (int i = 0; i < c->argc; i++) {
		struct ka_error *err = ka_expr_number(NULL, c->argv[i], KA_EXPR_HEX, &value);

		if (err)
			ka_call_fault(c, ka_error_wrap(err, "'%s' is no number", c->argv[i]));
		else
			show(c, value);
	}
	return NULL;
}

static const struct ka_rows *const rows[] = { &ka_rows_ascii_row, &ka_rows_ascii_code, NULL };

const struct ka_command ka_command_ascii = {
	.name = "ascii",
	.args = "[VALUE]...",
	.brief = "numbers as characters",
	.help =
		"The characters that the bytes of each number are, the lowest byte first, as they lie in\n"
		"the memory of a little-endian machine. Numbers are hexadecimal, with 0x or without.\n"
		"Without a number, a chart of the ASCII characters: the column is the first hexadecimal\n"
		"digit of the code, the row the second.\n"
		"\n"
		"    ascii 62696c2f7273752f\n"
		"    ascii\n",
	.needs = KA_NUMBER_ARGS,
	.rows = rows,
	.run = run,
};
