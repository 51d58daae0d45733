/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The explanation in one or two sentences. */
#include <inttypes.h>
#include "fault.h"

/* "read of 8 bytes at 0x240" */
static void add_access(struct ka_str *s, const struct ka_fault *f)
{
	const char *access = ka_fault_access_name(f->access);

	ka_str_printf(s, "%s", access ? access : "access");
	if (f->size && f->access != KA_ACCESS_EXEC)
		ka_str_printf(s, " of %u byte%s", f->size, f->size == 1 ? "" : "s");
	ka_str_printf(s, " at 0x%" PRIx64, f->addr);
}

static void add_place(struct ka_str *s, const struct ka_fault *f)
{
	/* what the register held tells more than what lies at a distance from it */
	bool is_value = f->value.kind && (!strcmp(f->value.kind, "poison") || !strcmp(f->value.kind, "error") || !strcmp(f->value.kind, "percpu"));

	if (is_value && !(f->place.kind && !strcmp(f->place.kind, "poison")))
		ka_str_printf(s, ": %s + 0x%" PRIx64 " is %s + 0x%" PRIx64, f->reg_name, f->addr - f->reg_value, f->value.what, f->addr - f->reg_value);
	else if (f->place.what)
		ka_str_printf(s, ": %s", f->place.what);
}

static const char *taken(struct ka_arena *a, struct ka_str *s)
{
	const char *text = ka_strdup(a, s->p ? s->p : "");

	ka_str_free(s);
	*s = (struct ka_str){0};
	return text;
}

static void add_where(struct ka_str *s, const struct ka_fault *f)
{
	if (f->inlined)
		ka_str_printf(s, " in %s (inlined)", f->inlined);
	if (f->file)
		ka_str_printf(s, " at %s:%u", f->file, f->line);
}

/* "mov 0x0(%rdi),%eax" with one space. */
static void add_insn(struct ka_str *s, const struct ka_insn *i)
{
	bool is_space = false;

	for (const char *p = i->text; *p; p++) {
		if ((*p == ' ' || *p == '\t') && is_space)
			continue;
		is_space = *p == ' ' || *p == '\t';
		ka_str_addc(s, is_space ? ' ' : *p);
	}
}

/* "NULL (RDI)" */
static void add_value(struct ka_str *s, const struct ka_fault *f)
{
	if (f->reg_value)
		ka_str_printf(s, "0x%" PRIx64 " (%s)", f->reg_value, f->reg_name);
	else
		ka_str_printf(s, "NULL (%s)", f->reg_name);
}

static void first_line(struct ka_str *s, const struct ka_fault *f)
{
	if (f->kind == KA_FAULT_CFI && f->callee) {
		ka_str_printf(s, "control flow integrity: indirect call of what has another type: %s", f->callee);
		if (f->callee_offset)
			ka_str_printf(s, "+%" PRIu64, f->callee_offset);
		if (f->callee_module)
			ka_str_printf(s, " [%s]", f->callee_module);
		return;
	}
	/* "slab-use-after-free in kmore_uaf+0x5b/0xa0 [kdie_more]": where it was is the next line's */
	if ((f->kind == KA_FAULT_KASAN || f->kind == KA_FAULT_KFENCE) && f->reason && strstr(f->reason, " in "))
		ka_str_printf(s, "%s: %.*s", f->kind == KA_FAULT_KASAN ? "KASAN" : "KFENCE", (int)(strstr(f->reason, " in ") - f->reason), f->reason);
	else
		ka_str_add(s, ka_fault_kind_title(f->kind));
	/* "array-index-out-of-bounds in FILE:LINE:COLUMN": the next line has where; "index 9 is out of range ..." */
	if (f->kind == KA_FAULT_UBSAN && f->details && f->reason && strstr(f->reason, " in ")) {
		ka_str_printf(s, ": %.*s: %s", (int)(strstr(f->reason, " in ") - f->reason), f->reason, f->details[0]);
		return;
	}
	if (f->has_addr && f->kind != KA_FAULT_DIVIDE && f->kind != KA_FAULT_STACK_PROTECTOR) {
		ka_str_add(s, ": ");
		/* "double-free", "invalid-free" */
		if (f->kind == KA_FAULT_KASAN && f->access == KA_ACCESS_UNKNOWN)
			ka_str_printf(s, "0x%" PRIx64, f->addr);
		else
			add_access(s, f);
		add_place(s, f);
	} else if (f->kind == KA_FAULT_PANIC && f->panic) {
		ka_str_printf(s, ": \"%s\"", f->panic);
	} else if (f->reason) {
		ka_str_printf(s, ": %s", f->reason);
	}
}

static void second_line(struct ka_arena *a, struct ka_str *s, const struct ka_fault *f)
{
	if (f->wait_text) {
		ka_str_printf(s, "waits for %s", f->wait_text);
		if (f->wait->function)
			ka_str_printf(s, " in %s+%" PRIu64 "%s%s%s", f->wait->function, f->wait->offset, f->wait->module ? " [" : "",
				      f->wait->module ? f->wait->module : "", f->wait->module ? "]" : "");
		if (f->owner_text)
			ka_str_printf(s, ": %s", f->owner_text);
		return;
	}
	if (f->blamed) {
		ka_str_printf(s, "in %s+%" PRIu64 "%s%s%s", f->blamed, f->blamed_offset, f->blamed_module ? " [" : "", f->blamed_module ? f->blamed_module : "",
			      f->blamed_module ? "]" : "");
		if (f->blamed_file)
			ka_str_printf(s, " at %s:%u", f->blamed_file, f->blamed_line);
		if (f->function)
			ka_str_printf(s, ", found by %s", f->function);
		return;
	}
	if (f->kind == KA_FAULT_EXEC || (f->kind == KA_FAULT_CFI && f->reg_name && f->has_addr)) {
		if ((f->caller || f->kind == KA_FAULT_CFI) && f->function) {
			ka_str_printf(s, "called by %s+%" PRIu64, f->function, f->offset);
			if (f->reg_name) {
				ka_str_printf(s, " through %s%s%s", f->expression ? f->expression : f->reg_name, f->expression ? " = " : "",
					      f->expression ? f->reg_name : "");
			} else {
				ka_str_add(s, ": ");
				add_insn(s, &f->insn);
			}
			if (f->type && f->member)
				ka_str_printf(s, " (%s + 0x%" PRIx64 ")", f->type, f->member_offset);
			if (f->file && f->kind == KA_FAULT_CFI)
				ka_str_printf(s, " at %s:%u", f->file, f->line);
		}
		return;
	}
	if (f->repeated) {
		ka_str_printf(s, "%s has %zu of the frames", f->repeated, f->repeat_count);
		add_where(s, f);
		return;
	}
	if (f->kind == KA_FAULT_DIVIDE && f->reg_name) {
		add_insn(s, &f->insn);
		ka_str_printf(s, " with %s%s%s = 0x%" PRIx64, f->base ? f->base : "", f->base ? " = " : "", f->reg_name, f->reg_value);
		add_where(s, f);
		return;
	}
	if (f->has_operand && f->expression) {
		ka_str_add(s, f->expression);
		/* of what is no struct the first one needs no telling */
		if (f->type && (f->member_offset || f->member))
			ka_str_printf(s, " (%s + 0x%" PRIx64 ")", f->type, f->member_offset);
		ka_str_printf(s, " through %s%s", f->base ? f->base : "", f->base ? " = " : "");
		add_value(s, f);
		if (f->holding.kind && !strcmp(f->holding.kind, "slab_free"))
			ka_str_printf(s, ", read from a freed object of slab cache %s", f->holding.owner);
		add_where(s, f);
		return;
	}
	if (f->has_operand && f->type && f->member) {
		ka_str_printf(s, "%s of a %s (+ 0x%" PRIx64 ") through ", f->member, f->type, f->member_offset);
		add_value(s, f);
		add_where(s, f);
		return;
	}
	if (f->has_operand || f->kind == KA_FAULT_DIVIDE || f->kind == KA_FAULT_GPF) {
		if (!f->has_insn)
			return;
		add_insn(s, &f->insn);
		if (f->has_operand && f->reg_name)
			ka_str_printf(s, " with %s = 0x%" PRIx64, f->reg_name, f->reg_value);
		add_where(s, f);
		if (f->chain && f->chain[0])
			ka_str_printf(s, "; %s", f->chain[0]);
		return;
	}
	if (f->kind == KA_FAULT_KASAN && f->expression && f->function) {
		ka_str_add(s, f->expression);
		if (f->type && (f->member_offset || f->member))
			ka_str_printf(s, " (%s + 0x%" PRIx64 ")", f->type, f->member_offset);
		if (f->base)
			ka_str_printf(s, " through %s = %s", f->base, f->reg_value ? ka_printf(a, "0x%" PRIx64, f->reg_value) : "NULL");
		ka_str_add(s, " ");
	}
	if (f->file && f->function && !f->has_frame)
		ka_str_printf(s, "in %s+%" PRIu64 "%s%s%s at %s:%u", f->function, f->offset, f->module ? " [" : "", f->module ? f->module : "", f->module ? "]" : "",
			      f->file, f->line);
	else if (f->file)
		ka_str_printf(s, "in %s%s%s at %s:%u", f->inlined ? f->inlined : f->function ? f->function : "code", f->inlined ? ", inlined into " : "",
			      f->inlined && f->function ? f->function : "", f->file, f->line);
	else if (f->function)
		ka_str_printf(s, "in %s+%" PRIu64 "%s%s%s", f->function, f->offset, f->module ? " [" : "", f->module ? f->module : "", f->module ? "]" : "");
}

size_t ka_fault_sentences(struct ka_kernel *k, struct ka_arena *a, const struct ka_fault *f, const char *ret[2])
{
	struct ka_str s = { 0 };
	size_t n = 0;

	(void)k;
	if (f->kind == KA_FAULT_NONE)
		return 0;
	first_line(&s, f);
	ret[n++] = taken(a, &s);
	second_line(a, &s, f);
	if (s.len)
		ret[n++] = taken(a, &s);
	ka_str_free(&s);
	return n;
}
