/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* vm -m, -v: the kernel's own structs of a task's memory. */
#include "vm.h"

struct vm_struct {
	ka_addr vma;
	const struct ka_node *value;
	const char *text;
};
static const struct ka_col cols[] = {
	KA_COLF(vm_struct, vma, KA_ADDR, KA_ONLY_JSON, "address of the vm_area_struct"),
	KA_COLF(vm_struct, value, KA_VALUE, KA_ONLY_JSON, "of -v: all of it"),
	KA_COLF(vm_struct, text, KA_TEXT, KA_ONLY_TEXT, NULL),
};
const struct ka_rows ka_vm_struct_rows = { "vmas", KA_SHAPE_LINE, NULL, "{text}", cols, KA_COUNT(cols) };

static struct ka_error *put(struct ka_call *c, const char *type, ka_addr at, const struct ka_print *how, struct ka_str *text,
			    const struct ka_node **tree)
{
	struct ka_value v;
	struct ka_error *err = ka_value_at(c->k, type, at, &v);

	if (err)
		return err;
	if (!ka_out_is_text(c->out))
		return ka_value_tree(c->k, &v, how, c->arena, tree);
	ka_str_printf(text, "%s ", type);
	return ka_value_text(c->k, &v, how, false, text);
}

struct ka_error *ka_vm_mm_tree(struct ka_call *c, ka_addr mm, const struct ka_print *how, const struct ka_node **ret)
{
	return put(c, "struct mm_struct", mm, how, NULL, ret);
}

struct ka_error *ka_vm_mm_put(struct ka_call *c, ka_addr mm, const struct ka_print *how)
{
	struct ka_str text = {0};
	struct ka_error *err = put(c, "struct mm_struct", mm, how, &text, NULL);

	if (text.len)
		ka_out_note(c->out, "%s", text.p);
	ka_str_free(&text);
	return err;
}

struct ka_error *ka_vm_area_put(struct ka_call *c, ka_addr vma, const struct ka_print *how)
{
	struct vm_struct row = { .vma = vma };
	struct ka_str text = {0};
	struct ka_error *err = put(c, "struct vm_area_struct", vma, how, &text, &row.value);

	row.text = text.p;
	if (text.len || row.value)
		ka_out_row(c->out, &ka_vm_struct_rows, &row);
	ka_str_free(&text);
	return err;
}
