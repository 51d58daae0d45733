/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* .debug_line: the header's directories and files, and the program run to rows; DWARF 2 to 5. */
#include <dwarf.h>
#include "line.h"

#define ENTRIES_MAX	(1U << 18)	/* files or directories of a unit */
#define ROWS_MAX	(1U << 23)
#define FORMATS_MAX	32

struct header {
	unsigned version, offset_size, address_size;
	unsigned min_length, max_ops, line_range, opcode_base;
	int line_base;
	bool default_is_stmt;
	const uint8_t *lengths;		/* of the standard opcodes; [opcode] */
	size_t program;
};

struct names {
	KA_VEC(const char *);
};

struct files {
	KA_VEC(struct ka_line_file);
};

struct state {
	const struct header *h;
	struct { KA_VEC(struct ka_line_row); } rows;
	struct { KA_VEC(struct ka_line_sequence); } sequences;
	struct files files;
	uint64_t addr, line;
	uint64_t file;
	unsigned op_index;
	bool is_stmt;
	size_t first;			/* row of the sequence that is being made */
};

/* Directories and files of DWARF 5: lists whose entries' shape is told before them. */
static bool entries_5(const struct ka_line_sections *s, struct ka_reader *b, const struct header *h, struct names *dirs,
		      struct files *files)
{
	struct { uint64_t type, form; } formats[FORMATS_MAX];
	unsigned format_count = (unsigned)ka_reader_uint(b, 1);

	if (format_count > FORMATS_MAX)
		return false;
	for (unsigned i = 0; i < format_count; i++) {
		formats[i].type = ka_reader_uleb(b);
		formats[i].form = ka_reader_uleb(b);
	}
	uint64_t count = ka_reader_uleb(b);

	/* entries without any format have no bytes: nothing would end them */
	if (b->is_bad || count > ENTRIES_MAX || (count && !format_count))
		return false;
	for (uint64_t n = 0; n < count; n++) {
		const char *path = NULL;
		uint64_t dir = 0;

		for (unsigned i = 0; i < format_count; i++) {
			const char *string;
			uint64_t value;

			if (!ka_line_form(s, b, formats[i].form, h->offset_size, h->address_size, h->version, &value,
					  &string))
				return false;
			if (formats[i].type == DW_LNCT_path)
				path = string;
			else if (formats[i].type == DW_LNCT_directory_index)
				dir = value;
		}
		if (files)
			ka_vec_push(files, (struct ka_line_file){.name = path,
								 .dir = dir && dir < dirs->n ? dirs->at[dir] : NULL});
		else
			ka_vec_push(dirs, path);
	}
	return true;
}

static void file_add(struct ka_reader *b, const struct names *dirs, struct files *files, const char *name)
{
	uint64_t dir = ka_reader_uleb(b);

	ka_reader_uleb(b);	/* time */
	ka_reader_uleb(b);	/* size */
	if (files->n < ENTRIES_MAX)
		ka_vec_push(files, (struct ka_line_file){ .name = name, .dir = dir < dirs->n ? dirs->at[dir] : NULL });
}

static bool header_read(const struct ka_line_sections *s, struct ka_reader *b, struct header *h, struct names *dirs,
			struct files *files)
{
	ka_reader_unit(b, &h->offset_size);
	h->version = (unsigned)ka_reader_uint(b, 2);
	if (b->is_bad || h->version < 2 || h->version > 5)
		return false;
	h->address_size = s->o->is_64bit ? 8 : 4;
	if (h->version >= 5) {
		h->address_size = (unsigned)ka_reader_uint(b, 1);
		ka_reader_uint(b, 1);	/* size of segment selectors */
	}
	uint64_t size = ka_reader_uint(b, h->offset_size);

	if (b->is_bad || size > b->end - b->at)
		return false;
	h->program = b->at + (size_t)size;
	h->min_length = (unsigned)ka_reader_uint(b, 1);
	h->max_ops = h->version >= 4 ? (unsigned)ka_reader_uint(b, 1) : 1;
	h->default_is_stmt = ka_reader_uint(b, 1);
	h->line_base = (int8_t)ka_reader_uint(b, 1);
	h->line_range = (unsigned)ka_reader_uint(b, 1);
	h->opcode_base = (unsigned)ka_reader_uint(b, 1);
	if (b->is_bad || !h->line_range || !h->opcode_base || !h->max_ops)
		return false;
	h->lengths = b->data + b->at - 1;
	ka_reader_skip(b, h->opcode_base - 1);
	if (h->version >= 5)
		return entries_5(s, b, h, dirs, NULL) && entries_5(s, b, h, dirs, files);

	/* numbers count from 1: 0 is the directory of the compilation, and no file */
	ka_vec_push(dirs, NULL);
	ka_vec_push(files, (struct ka_line_file){ 0 });
	for (const char *name; (name = ka_reader_string(b)) && *name && dirs->n < ENTRIES_MAX; )
		ka_vec_push(dirs, name);
	for (const char *name; !b->is_bad && (name = ka_reader_string(b)) && *name && files->n < ENTRIES_MAX; )
		file_add(b, dirs, files, name);
	return !b->is_bad;
}

static void advance(struct state *m, uint64_t operations)
{
	const struct header *h = m->h;

	if (h->max_ops == 1) {
		m->addr += operations * h->min_length;
	} else {	/* several operations in one instruction word */
		m->addr += (m->op_index + operations) / h->max_ops * h->min_length;
		m->op_index = (unsigned)((m->op_index + operations) % h->max_ops);
	}
}

static void row_add(struct state *m)
{
	if (m->rows.n < ROWS_MAX)
		ka_vec_push(&m->rows, (struct ka_line_row){
			.addr = m->addr, .file = (uint32_t)KA_MIN(m->file, (uint64_t)UINT32_MAX),
			.line = (uint32_t)KA_MIN(m->line, (uint64_t)INT32_MAX), .is_stmt = m->is_stmt });
}

static void sequence_start(struct state *m)
{
	m->addr = m->op_index = 0;
	m->file = m->line = 1;
	m->is_stmt = m->h->default_is_stmt;
	m->first = m->rows.n;
}

static void sequence_end(struct state *m)
{
	size_t n = m->rows.n - m->first;
	bool is_good = n > 0 && m->rows.at[m->first].addr && m->rows.at[m->first].addr < m->addr;

	/* what the linker dropped begins at 0; what goes down cannot be searched */
	for (size_t i = 1; i < n && is_good; i++)
		is_good = m->rows.at[m->first + i - 1].addr <= m->rows.at[m->first + i].addr;
	if (is_good)
		ka_vec_push(&m->sequences, (struct ka_line_sequence){ m->rows.at[m->first].addr, m->addr, m->first, n });
	else
		m->rows.n = m->first;
	sequence_start(m);
}

static void extended(struct state *m, struct ka_reader *b, const struct names *dirs)
{
	uint64_t size = ka_reader_uleb(b);
	struct ka_reader inner = *b;

	ka_reader_skip(b, size);
	inner.end = b->at;
	if (!size || b->is_bad)
		return;
	switch (ka_reader_uint(&inner, 1)) {
	case DW_LNE_end_sequence:
		sequence_end(m);
		break;
	case DW_LNE_set_address:
		m->addr = ka_reader_uint(&inner, (size_t)KA_MIN(size - 1, 8u));
		m->op_index = 0;
		break;
	case DW_LNE_define_file: {
		const char *name = ka_reader_string(&inner);

		file_add(&inner, dirs, &m->files, name);
		break;
	}
	default:	/* discriminators, and what vendors added */
		break;
	}
}

static void program_run(struct state *m, struct ka_reader *b, const struct names *dirs)
{
	const struct header *h = m->h;

	sequence_start(m);
	while (b->at < b->end && !b->is_bad && m->rows.n < ROWS_MAX) {
		unsigned op = (unsigned)ka_reader_uint(b, 1);

		if (op >= h->opcode_base) {
			unsigned adjusted = op - h->opcode_base;

			advance(m, adjusted / h->line_range);
			m->line += (uint64_t)(int64_t)(h->line_base + (int)(adjusted % h->line_range));
			row_add(m);
			continue;
		}
		switch (op) {
		case 0:
			extended(m, b, dirs);
			break;
		case DW_LNS_copy:
			row_add(m);
			break;
		case DW_LNS_advance_pc:
			advance(m, ka_reader_uleb(b));
			break;
		case DW_LNS_advance_line:
			m->line += (uint64_t)ka_reader_sleb(b);
			break;
		case DW_LNS_set_file:
			m->file = ka_reader_uleb(b);
			break;
		case DW_LNS_set_column:
			ka_reader_uleb(b);
			break;
		case DW_LNS_negate_stmt:
			m->is_stmt = !m->is_stmt;
			break;
		case DW_LNS_const_add_pc:
			advance(m, (255 - h->opcode_base) / h->line_range);
			break;
		case DW_LNS_fixed_advance_pc:
			m->addr += ka_reader_uint(b, 2);
			m->op_index = 0;
			break;
		case DW_LNS_set_basic_block:
		case DW_LNS_set_prologue_end:
		case DW_LNS_set_epilogue_begin:
			break;
		case DW_LNS_set_isa:
			ka_reader_uleb(b);
			break;
		default:
			for (unsigned n = h->lengths[op]; n; n--)
				ka_reader_uleb(b);
			break;
		}
	}
}

static int sequence_compare(const void *a, const void *b)
{
	const struct ka_line_sequence *x = a, *y = b;

	return x->start < y->start ? -1 : x->start > y->start;
}

struct ka_line_table *ka_line_table_read(const struct ka_line_sections *s, const struct ka_line_root *root)
{
	struct ka_reader b = {.o = s->o,
			      .data = s->line.at,
			      .at = (size_t)KA_MIN(root->line_offset, (uint64_t)s->line.size),
			      .end = s->line.size};
	struct names dirs = { 0 };
	struct header h = { 0 };
	struct state m = { .h = &h };
	struct ka_line_table *t = NULL;

	if (header_read(s, &b, &h, &dirs, &m.files)) {
		b.at = h.program;
		program_run(&m, &b, &dirs);
		t = ka_xalloc(sizeof(*t));
		t->rows = m.rows.at;
		t->sequences = m.sequences.at;
		t->sequence_count = m.sequences.n;
		t->files = m.files.at;
		t->file_count = m.files.n;
		t->comp_dir = h.version >= 5 && dirs.n && dirs.at[0] ? dirs.at[0] : root->comp_dir;
		if (t->sequence_count)
			qsort(t->sequences, t->sequence_count, sizeof(*t->sequences), sequence_compare);
	} else {
		ka_log(1, "%s: damaged line table at %#llx of .debug_line", s->o->path,
		       (unsigned long long)root->line_offset);
		ka_vec_free(&m.files);
	}
	ka_vec_free(&dirs);
	return t;
}

void ka_line_table_free(struct ka_line_table *t)
{
	if (!t)
		return;
	free(t->rows);
	free(t->sequences);
	free(t->files);
	free(t);
}
