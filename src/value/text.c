/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Values as text: gdb's, with the settings that crash gives it. */
#include <inttypes.h>
#include "printer.h"

struct text {
	struct ka_printer p;
	struct ka_str *to;
	size_t counted;		/* of the text */
};

static void value_add(struct text *t, const struct ka_place *place, unsigned level);

/* One more part, and the text of those before. */
static bool part_next(struct text *t)
{
	if (t->to->len - t->counted >= KA_PRINT_TEXT_PART) {
		ka_printer_charge(&t->p, (t->to->len - t->counted) / KA_PRINT_TEXT_PART);
		t->counted = t->to->len;
	}
	return ka_printer_part(&t->p);
}

static void unreadable_add(struct text *t, uint64_t at)
{
	if (t->p.how.is_absent && t->p.how.is_absent(t->p.how.ctx, at))
		ka_str_add(t->to, "<optimized out>");
	else
		ka_str_printf(t->to, "<error: Cannot access memory at address 0x%" PRIx64 ">", at);
}

static void line_add(struct text *t, unsigned level)
{
	ka_str_addc(t->to, '\n');
	ka_str_pad(t->to, ' ', t->p.how.indent + 2 * (size_t)level);
}

static void int_add(struct text *t, const struct ka_place *place, const struct ka_type_info *info)
{
	unsigned width = place->bit_size ? place->bit_size : (unsigned)KA_MIN(info->size, (uint64_t)16) * 8;
	__int128 value;

	if (!info->size || info->size > 16) {
		ka_str_printf(t->to, "<an integer of %" PRIu64 " bytes>", info->size);
		return;
	}
	if (!ka_printer_int(&t->p, place, info, &value)) {
		unreadable_add(t, place->at);
		return;
	}
	if (t->p.how.radix == 16) {
		ka_hex_add(t->to, value, width);
	} else if (info->is_bool) {
		if (value == 0 || value == 1)
			ka_str_add(t->to, value ? "true" : "false");
		else
			ka_decimal_add(t->to, value, info->is_signed);
	} else {
		ka_decimal_add(t->to, value, info->is_signed);
		if (ka_type_is_char(info)) {
			ka_str_addc(t->to, ' ');
			ka_char_text((unsigned)value & 0xff, t->to);
		}
	}
}

static void enum_add(struct text *t, const struct ka_place *place, const struct ka_print_type *type)
{
	__int128 value;

	if (!ka_printer_int(&t->p, place, &type->info, &value))
		unreadable_add(t, place->at);
	else if (!ka_enum_name(type, (int64_t)value, t->to))
		ka_decimal_add(t->to, value, type->info.is_signed);
}

/* By the letter of `p/x`: numbers and pointers alike, without type, symbol and string. */
static void formatted_add(struct text *t, const struct ka_place *place, const struct ka_type_info *info)
{
	unsigned width = place->bit_size ? place->bit_size : (unsigned)KA_MIN(info->size, (uint64_t)16) * 8;
	struct ka_type_info as_int = *info;
	__int128 value;

	as_int.size = info->size ? info->size : t->p.k ? ka_long_size(t->p.k) : 8;
	if (as_int.size > 16)
		ka_str_printf(t->to, "<an integer of %" PRIu64 " bytes>", as_int.size);
	else if (!ka_printer_int(&t->p, place, &as_int, &value))
		unreadable_add(t, place->at);
	else
		ka_format_add(t->p.k, t->p.how.format, value, width, t->to);
}

static bool is_formatted(const struct text *t, enum ka_type_kind kind)
{
	return t->p.how.format && t->p.how.format != 's' && (kind == KA_TYPE_INT || kind == KA_TYPE_ENUM || kind == KA_TYPE_POINTER);
}

static void float_add(struct text *t, const struct ka_place *place, const struct ka_type_info *info)
{
	long double value;

	if (info->size != 4 && info->size != 8 && info->size != 16)
		ka_str_printf(t->to, "<a float of %" PRIu64 " bytes>", info->size);
	else if (!ka_printer_float(&t->p, place, info->size, &value))
		unreadable_add(t, place->at);
	else
		ka_str_printf(t->to, "%.*Lg", info->size == 4 ? 9 : info->size == 8 ? 17 : 18, value);
}

static void address_add(struct text *t, uint64_t at)
{
	size_t start;

	ka_str_printf(t->to, "0x%" PRIx64, at);
	start = t->to->len;
	ka_str_add(t->to, " <");
	if (ka_address_symbol(t->p.k, at, t->to)) {
		ka_str_addc(t->to, '>');
	} else {
		t->to->len = start;
		t->to->p[start] = 0;
	}
}

/* What a pointer, or an array of no size, stands for. */
static void target_add(struct text *t, uint64_t at, const struct ka_type *target)
{
	const struct ka_print_type *type = ka_printer_target(&t->p, target);
	uint8_t *bytes;
	size_t n;
	bool has_more;

	address_add(t, at);
	if (!at || !ka_type_is_char(&type->info))
		return;
	ka_str_addc(t->to, ' ');
	if (ka_printer_string(&t->p, at, t->p.how.elements_max, &bytes, &n, &has_more))
		ka_chars_text(bytes, n, n, t->p.how.repeats, has_more, t->to);
	else
		unreadable_add(t, at);
}

static void pointer_add(struct text *t, const struct ka_place *place, const struct ka_type_info *info)
{
	struct ka_type_info as_int = { .kind = KA_TYPE_INT, .size = info->size ? info->size : t->p.k ? ka_long_size(t->p.k) : 8 };
	__int128 value;

	if (as_int.size > 8 || !ka_printer_int(&t->p, place, &as_int, &value))
		unreadable_add(t, place->at);
	else
		target_add(t, (uint64_t)value, &info->target);
}

/* As much of an array of characters as may be shown. */
static void chars_add(struct text *t, uint64_t at, uint64_t count)
{
	size_t max = t->p.how.elements_max, n = (size_t)KA_MIN(count, (uint64_t)max + 1);
	uint8_t *bytes = ka_printer_scratch(&t->p, n + 1), last = 1;
	bool has_more = false;

	ka_printer_charge(&t->p, n / KA_PRINT_CHARS_PART);
	if (!ka_printer_read(&t->p, at, bytes, n, true)) {
		unreadable_add(t, at);
		return;
	}
	if (t->p.how.stops_at_nul) {
		size_t end = strnlen((const char *)bytes, KA_MIN(n, max));

		has_more = end == max && n > max && bytes[max];
		n = end;
	} else if (count && ka_printer_read(&t->p, at + count - 1, &last, 1, false) && !last) {
		/* The last NUL is not shown. */
		count--;
		n = (size_t)KA_MIN((uint64_t)n, count);
	}
	ka_chars_text(bytes, n, max, t->p.how.repeats, has_more, t->to);
}

/* How many elements from i on are equal, to count them together. */
static uint64_t equal_run(struct text *t, uint64_t at, uint64_t size, uint64_t left)
{
	uint8_t *first, *other;
	uint64_t run = 1;

	if (!t->p.how.repeats || size > 65536)
		return 1;
	first = ka_printer_scratch(&t->p, 2 * size);
	other = first + size;
	if (!ka_printer_read(&t->p, at, first, size, false))
		return 1;
	while (run < left && part_next(t) && ka_printer_read(&t->p, at + run * size, other, size, false) && !memcmp(first, other, size)) {
		ka_printer_charge(&t->p, size / 128);
		run++;
	}
	return run;
}

static void array_add(struct text *t, const struct ka_place *place, const struct ka_type_info *info, unsigned level)
{
	const struct ka_print_type *element = ka_printer_type(&t->p, &info->target);
	uint64_t size = element->info.size, shown = 0, i = 0;

	if (!info->count || !size) {
		target_add(t, place->at, &info->target);
		return;
	}
	if (ka_type_is_char(&element->info) && !is_formatted(t, KA_TYPE_INT)) {
		chars_add(t, place->at, info->count);
		return;
	}
	ka_str_addc(t->to, '{');
	while (i < info->count && shown < t->p.how.elements_max && part_next(t)) {
		struct ka_place e = { .type = info->target, .at = place->at + i * size };
		uint64_t run = equal_run(t, e.at, size, info->count - i);

		if (i)
			ka_str_add(t->to, t->p.how.one_a_line ? "," : ", ");
		if (t->p.how.one_a_line)
			line_add(t, level + 1);
		value_add(t, &e, level + 1);
		if (run > t->p.how.repeats && t->p.how.repeats) {
			ka_str_printf(t->to, " <repeats %" PRIu64 " times>", run);
			i += run;
			shown += t->p.how.repeats;
		} else {
			i++;
			shown++;
		}
	}
	if (i < info->count)
		ka_str_add(t->to, "...");
	if (t->p.how.one_a_line)
		line_add(t, level);
	ka_str_addc(t->to, '}');
}

static void struct_add(struct text *t, const struct ka_place *place, const struct ka_print_type *type, unsigned level)
{
	bool is_first = true;

	if (type->info.is_declared_only) {
		ka_str_add(t->to, "<incomplete type>");
		return;
	}
	if (!type->field_count) {
		ka_str_add(t->to, "{<No data fields>}");
		return;
	}
	ka_str_addc(t->to, '{');
	for (size_t i = 0; i < type->field_count; i++) {
		const struct ka_type_field *f = &type->fields[i];
		struct ka_place member = ka_place_member(place, f);

		if (!is_first)
			ka_str_addc(t->to, ',');
		is_first = false;
		line_add(t, level + 1);
		if (!part_next(t)) {
			ka_str_add(t->to, "...");
			break;
		}
		if (f->name)
			ka_str_printf(t->to, "%s = ", f->name);
		value_add(t, &member, level + 1);
	}
	line_add(t, level);
	ka_str_addc(t->to, '}');
}

static void function_add(struct text *t, const struct ka_place *place, const struct ka_print_type *type)
{
	ka_str_printf(t->to, "{%s} ", type->text);
	address_add(t, place->at);
}

static void value_add(struct text *t, const struct ka_place *place, unsigned level)
{
	const struct ka_print_type *type = ka_printer_type(&t->p, &place->type);
	bool is_nest = type->info.kind == KA_TYPE_STRUCT || type->info.kind == KA_TYPE_UNION || type->info.kind == KA_TYPE_ARRAY;

	if (is_nest && level >= KA_PRINT_DEPTH_MAX) {
		ka_str_add(t->to, "{...}");
		return;
	}
	if (is_formatted(t, type->info.kind)) {
		formatted_add(t, place, &type->info);
		return;
	}
	switch (type->info.kind) {
	case KA_TYPE_STRUCT:
	case KA_TYPE_UNION:
		struct_add(t, place, type, level);
		break;
	case KA_TYPE_ARRAY:
		array_add(t, place, &type->info, level);
		break;
	case KA_TYPE_POINTER:
		pointer_add(t, place, &type->info);
		break;
	case KA_TYPE_INT:
		int_add(t, place, &type->info);
		break;
	case KA_TYPE_ENUM:
		enum_add(t, place, type);
		break;
	case KA_TYPE_FLOAT:
		float_add(t, place, &type->info);
		break;
	case KA_TYPE_FUNC:
		function_add(t, place, type);
		break;
	case KA_TYPE_VOID:
		ka_str_add(t->to, "void");
		break;
	default:
		ka_str_add(t->to, "<unknown type>");
		break;
	}
}

/* Pointers alone on a line tell what they point to; those to char need not. */
static void cast_add(struct text *t, const struct ka_type *type)
{
	const struct ka_print_type *pointer = ka_printer_type(&t->p, type);
	struct ka_type_info target;
	struct ka_type at = pointer->info.target;

	if (pointer->info.kind != KA_TYPE_POINTER)
		return;
	ka_type_info(t->p.k, &at, &target);
	for (int i = 0; i < 3 && (target.kind == KA_TYPE_CONST || target.kind == KA_TYPE_VOLATILE); i++) {
		at = target.target;
		ka_type_info(t->p.k, &at, &target);
	}
	if (target.kind == KA_TYPE_INT && target.name && !strcmp(target.name, "char"))
		return;
	ka_str_addc(t->to, '(');
	ka_type_text(t->p.k, type, NULL, t->to);
	ka_str_add(t->to, ") ");
}

/* Is anything of it there? */
static struct ka_error *probe(struct ka_printer *p, const struct ka_place *place)
{
	const struct ka_print_type *type = ka_printer_type(p, &place->type);
	enum ka_type_kind kind = type->info.kind;
	uint64_t size = kind == KA_TYPE_STRUCT || kind == KA_TYPE_UNION || kind == KA_TYPE_ARRAY ? KA_MIN(type->info.size, (uint64_t)1) :
			place->bit_size ? (place->bit_offset + place->bit_size + 7) / 8 : type->info.size;
	uint8_t raw[32];

	if (place->has_bits || kind == KA_TYPE_FUNC || kind == KA_TYPE_VOID || !size || size > sizeof(raw))
		return NULL;
	return p->how.read ? p->how.read(p->how.ctx, place->at, raw, size) : ka_read(p->k, place->at, raw, size);
}

struct ka_error *ka_value_text(struct ka_kernel *k, const struct ka_value *x, const struct ka_print *how, bool is_top, struct ka_str *to)
{
	struct text t = { .to = to, .counted = to->len };
	struct ka_place place = ka_place_of(x);
	struct ka_error *err;

	if (x->text) {
		ka_chars_text((const uint8_t *)x->text, x->text_size, x->text_size, 0, false, to);
		return NULL;
	}
	ka_printer_init(&t.p, k, how);
	err = probe(&t.p, &place);
	if (!err) {
		if (is_top && !is_formatted(&t, KA_TYPE_POINTER))
			cast_add(&t, &x->type);
		value_add(&t, &place, 0);
	}
	if (err)
		ka_error_drop(ka_printer_deinit(&t.p));
	else
		err = ka_printer_deinit(&t.p);
	return err;
}
