/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Private to line*.c: the line table of one compilation unit. */
#ifndef KA_LINE_H
#define KA_LINE_H

#include "reader.h"

struct ka_line_sections {
	struct ka_object *o;	/* that has them */
	struct ka_line_bytes {
		const uint8_t *at;
		size_t size;
	} info, abbrev, line, line_str, str, str_offsets, aranges;
};

/* What a unit's outermost DIE says of its lines. */
struct ka_line_root {
	uint64_t line_offset;	/* in .debug_line */
	const char *comp_dir;	/* NULL none */
	bool has_lines;
};
/* The unit whose header lies at offset in .debug_info. False at damage. */
bool ka_line_root_read(const struct ka_line_sections *s, uint64_t offset, struct ka_line_root *ret);
/*
 * Passes an attribute (or an entry of a line table's lists) of a form; *ret_string set for strings, *ret for
 * numbers. False: unknown form.
 */
bool ka_line_form(const struct ka_line_sections *s, struct ka_reader *b, uint64_t form, unsigned offset_size,
		  unsigned address_size, unsigned version, uint64_t *ret, const char **ret_string);

struct ka_line_table {
	struct ka_line_row {
		uint64_t addr;
		uint32_t file, line;	/* file: of files; line 0: none */
		bool is_stmt;
	} *rows;			/* by sequence */
	struct ka_line_sequence {
		uint64_t start, end;
		size_t first, count;
	} *sequences;			/* sorted by start */
	size_t sequence_count;
	struct ka_line_file {
		const char *name, *dir;	/* dir NULL: comp_dir */
		const char *path, *short_name;	/* made when first asked for */
	} *files;
	size_t file_count;
	const char *comp_dir;
};

/* What could be read before the first damage. NULL: nothing. */
struct ka_line_table *ka_line_table_read(const struct ka_line_sections *s, const struct ka_line_root *root);
void ka_line_table_free(struct ka_line_table *t);

/* For inlines.c. The unit that holds an address (in the layout of ka_object_base()), a file of its line table. */
bool ka_lines_unit(struct ka_object *o, uint64_t addr, uint64_t *ret_unit);
bool ka_lines_file(struct ka_object *o, uint64_t unit, uint64_t file, struct ka_object_place *ret);

#endif
