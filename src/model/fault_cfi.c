/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The check that clang puts before an indirect call (kCFI: 89245600941e, v6.1): a hash of the type that is called, compared with the one
 * that lies before the function's first instruction. Which call it was, of what, and whether the check itself was what faulted.
 */
#include <inttypes.h>
#include <kanalyze/symbol.h>
#include <kanalyze/value.h>
#include <kanalyze/variable.h>
#include "fault.h"

#define DETAILS_MAX 4

struct check {
	size_t load;			/* instruction that reads the hash of what is called */
	int target;			/* register that has the function's address */
	int64_t disp;			/* of the hash from there */
	uint32_t expected;
	bool has_expected;
};

/* "mov $-HASH,%r10d; add DISP(%TARGET),%r10d; je 1f; ud2; 1:": n is of the add or of the ud2. */
static bool is_x86_check(const struct ka_fault_code *c, size_t n, struct check *ret)
{
	const struct ka_insn *add, *mov;

	if (c->insns[n].size == 2 && c->insns[n].bytes[0] == 0x0f && c->insns[n].bytes[1] == 0x0b && n >= 3 && c->insns[n - 1].kind == KA_INSN_BRANCH)
		n -= 2;
	if (!n || n + 2 >= c->count)
		return false;
	add = &c->insns[n];
	mov = &c->insns[n - 1];
	/* REX with r10 as the register, 03 /r; 41 ba imm32 */
	if (add->size < 4 || (add->bytes[0] & 0xfe) != 0x44 || add->bytes[1] != 0x03 || (add->bytes[2] & 0x38) != 0x10 || !add->memory_count ||
	    add->memory[0].base == KA_NO_REG || mov->size != 6 || mov->bytes[0] != 0x41 || mov->bytes[1] != 0xba)
		return false;
	*ret = (struct check){ .load = n, .target = add->memory[0].base, .disp = add->memory[0].disp, .has_expected = true };
	ret->expected = -((uint32_t)mov->bytes[2] | (uint32_t)mov->bytes[3] << 8 | (uint32_t)mov->bytes[4] << 16 | (uint32_t)mov->bytes[5] << 24);
	return true;
}

/* "ldur w16, [xTARGET, #-4]; movk w17, ...; movk w17, ..., lsl #16; cmp w16, w17; b.eq 1f; brk #0x8000 + (17 << 5 | TARGET)" */
static bool is_aarch64_check(const struct ka_fault_code *c, size_t n, const struct ka_regs *regs, struct check *ret)
{
	const uint8_t *b = c->insns[n].bytes;
	uint32_t w = (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24, imm = w >> 5 & 0xffff;
	int type = (int)(imm >> 5 & 31);

	if ((w & 0xffe0001f) != 0xd4200000 || imm < 0x8000 || imm > 0x83ff)
		return false;
	*ret = (struct check){ .load = n, .target = (int)(imm & 31), .disp = -4, .has_expected = regs->known >> type & 1, .expected = (uint32_t)regs->value[type] };
	for (size_t i = n; i-- && n - i < 8;)
		if (c->insns[i].memory_count && c->insns[i].memory[0].base == ret->target && c->insns[i].memory[0].size == 4) {
			ret->load = i;
			ret->disp = c->insns[i].memory[0].disp;
			break;
		}
	return true;
}

static const char *prototype(struct ka_fault_trace *t, const struct ka_type *type, const char *name)
{
	struct ka_str s = { 0 };
	const char *text;

	ka_type_text(t->k, type, name, &s);
	text = s.len ? ka_strdup(t->a, s.p) : NULL;
	ka_str_free(&s);
	return text;
}

static void describe(struct ka_fault_trace *t, struct ka_fault *f, const struct check *c, const struct ka_type *member)
{
	const char **details = ka_alloc(t->a, (DETAILS_MAX + 1) * sizeof(*details));
	struct ka_symbol s;
	uint64_t offset;
	uint32_t have;
	size_t n = 0;

	if (member) {
		/* typedefs of function pointers do not tell of what */
		struct ka_type bare = ka_type_strip(t->k, member, NULL);
		const char *text = prototype(t, &bare, f->member);

		if (text)
			details[n++] = ka_printf(t->a, "what was to be called: %s", text);
	}
	if (ka_symbol_at(t->k, f->reg_value, &s, &offset)) {
		struct ka_variable v;
		const char *text = NULL;

		ka_fault_module(t->k, f->reg_value);
		if (!offset && !strchr(s.name, '.') && ka_variable_of(t->k, &s, t->a, &v, NULL) && v.is_function)
			text = prototype(t, &v.type, s.name);
		details[n++] = ka_printf(t->a, "what is there: %s%s%s%s%s", text ? text : s.name, offset ? ka_printf(t->a, "+%" PRIu64 ", not the start of a function", offset) : "",
					 s.module ? " [" : "", s.module ? s.module : "", s.module ? "]" : "");
		f->callee = s.name;
		f->callee_module = s.module;
		f->callee_offset = offset;
	}
	if (c->has_expected) {
		bool has = !ka_error_drop(ka_read_u32(t->k, f->reg_value + (uint64_t)c->disp, &have));

		details[n++] = has ? ka_printf(t->a, "hash of the type 0x%08x, of what is there 0x%08x", c->expected, have) :
			       ka_printf(t->a, "hash of the type 0x%08x, of what is there none can be read", c->expected);
	}
	if (n)
		f->details = details;
}

bool ka_fault_cfi(struct ka_fault_trace *t, struct ka_fault *f, const struct ka_regs *regs, size_t frame)
{
	struct ka_fault_code *code = ka_alloc(t->a, sizeof(*code));
	struct ka_fault_target target;
	const struct ka_origin *o;
	const struct ka_type *member = NULL;
	struct check c;
	size_t n;

	if (!ka_fault_code_read(t->k, t->a, f->ip, code, &n))
		return false;
	if (t->is_aarch64 ? !is_aarch64_check(code, n, regs, &c) : !is_x86_check(code, n, &c))
		return false;
	/* what is called is not an operand of the instruction that said so */
	f->has_operand = false;
	f->holder = 0;
	f->base = f->expression = f->type = f->member = f->variable = NULL;
	f->chain = NULL;
	f->reg = c.target;
	f->reg_name = ka_fault_reg_name(t->is_aarch64, c.target);
	if (!(regs->known >> c.target & 1) || !f->reg_name) {
		f->reg = KA_NO_REG;
		return true;
	}
	f->reg_value = f->addr = regs->value[c.target];
	f->has_addr = true;
	f->addr_by = "operands";
	f->access = KA_ACCESS_EXEC;
	f->size = 0;
	o = ka_fault_origin(t, code, c.load, c.target, frame);
	f->chain = ka_fault_chain(t, c.target, o);
	f->expression = o->expression;
	ka_fault_holder(t, f, code, c.load, o, regs);
	if (o->kind == KA_ORIGIN_LOAD && o->base && ka_fault_target(t, o->base, o->disp, 8, &target)) {
		f->type = target.type;
		f->member = target.member;
		f->member_offset = target.offset;
		member = &target.member_type;
	}
	/* the hash could not be read: there is nothing to be called */
	if (f->kind != KA_FAULT_CFI && code->insns[n].bytes[1] != 0x0b) {
		f->kind = KA_FAULT_EXEC;
		f->reason = "the check of its type (CFI) could not read before it";
		f->caller = code->insns[n].addr;
	}
	describe(t, f, &c, member);
	return true;
}
