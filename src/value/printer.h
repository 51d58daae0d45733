/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What text and trees of values share: where a value lies, reading it, its type looked up once. */
#ifndef KA_VALUE_PRINTER_H
#define KA_VALUE_PRINTER_H

#include <kanalyze/value.h>

#define KA_PRINT_DEPTH_MAX 20		/* structs and arrays within one another; gdb stops there, too ("set print max-depth") */
#define KA_PRINT_TEXT_PART 16		/* bytes of text that count as a part */
#define KA_PRINT_CHARS_PART 8		/* characters of the dump that do: each is six bytes at worst */
#define KA_PRINT_CHUNK 4096
#define KA_PRINT_CHUNKS 16		/* remembered at a time */

struct ka_chunk {
	uint64_t at;
	bool is_there, is_bad;		/* bad: not all of it can be read */
	uint8_t *bytes;
};

/* A type with what is asked of it again and again. */
struct ka_print_type {
	struct ka_type asked, type;	/* as given; stripped */
	struct ka_type_info info;
	struct ka_type_field *fields;	/* members or enumerators */
	size_t field_count;
	bool has_fields;		/* they were asked for */
	bool is_flags;			/* enums */
	uint32_t *by_value;		/* enums: which of the fields, by value; the first declared of one value comes first */
	uint32_t *flags;		/* with is_flags: those that are not the same as one before */
	size_t flag_count;
	char *text;			/* of functions */
};

struct ka_printer {
	struct ka_kernel *k;
	struct ka_print how;		/* defaults filled in */
	struct ka_arena *arena;		/* of the work, not of the result */
	struct ka_chunk chunks[KA_PRINT_CHUNKS];
	struct ka_map types;		/* hash of a type -> struct ka_print_type * */
	struct ka_error *error;		/* the first */
	uint64_t parts, parts_asked;	/* asked: at the last look at Ctrl-C */
	bool is_over;			/* cut or interrupted: nothing more is shown */
	bool is_big_endian;
	uint8_t *scratch;
	size_t scratch_size;
};

/* Where one lies. has_bits: it lies nowhere, and these are its bits. */
struct ka_place {
	struct ka_type type;
	uint64_t at;
	uint32_t bit_offset, bit_size;
	bool has_bits;
	uint64_t bits;
};

void ka_printer_init(struct ka_printer *p, struct ka_kernel *k, const struct ka_print *how);
/* Returns the first error. */
struct ka_error *ka_printer_deinit(struct ka_printer *p) KA_MUST_CHECK;
/* False: not all of it can be read; the first error is kept when it counts. */
bool ka_printer_read(struct ka_printer *p, uint64_t at, void *ret, size_t size, bool counts);
/* Lives as long as the printer. */
const struct ka_print_type *ka_printer_type(struct ka_printer *p, const struct ka_type *t);
/* The same without members and enumerators, which a pointer to it does not need. */
const struct ka_print_type *ka_printer_target(struct ka_printer *p, const struct ka_type *t);
/* One more part; false when there have been too many, or Ctrl-C. The error that says so stands for those before. */
bool ka_printer_part(struct ka_printer *p);
/* What counts for more than one part. */
void ka_printer_charge(struct ka_printer *p, uint64_t parts);
/* Room for so many bytes, until it is asked for again. */
uint8_t *ka_printer_scratch(struct ka_printer *p, size_t size);
/* An integer of at most 16 bytes, extended by its sign. False: cannot be read. */
bool ka_printer_int(struct ka_printer *p, const struct ka_place *place, const struct ka_type_info *info, __int128 *ret);
bool ka_printer_float(struct ka_printer *p, const struct ka_place *place, uint64_t size, long double *ret);
struct ka_place ka_place_of(const struct ka_value *x);
struct ka_place ka_place_member(const struct ka_place *whole, const struct ka_type_field *f);

/* Is its text that of characters: any integer of one byte, as gdb has it? */
bool ka_type_is_char(const struct ka_type_info *info);
/* "symbol+8" of an address that lies in one; false else. */
bool ka_address_symbol(struct ka_kernel *k, uint64_t at, struct ka_str *to);
/* The name of an enum's value: "A", "(A | B)", "(A | unknown: 0x8)"; false when it has none. */
bool ka_enum_name(const struct ka_print_type *t, int64_t value, struct ka_str *to);

/* format.c: a number of that many bits as gdb's letter has it. */
void ka_format_add(struct ka_kernel *k, char format, __int128 value, unsigned width, struct ka_str *to);
void ka_decimal_add(struct ka_str *to, __int128 value, bool is_signed);
void ka_hex_add(struct ka_str *to, __int128 value, unsigned width);

/* chars.c: as gdb quotes them. */
void ka_char_text(unsigned c, struct ka_str *to);
/* In double quotes, repeats aside. max: at most so many, then "..."; has_more: "..." in any case. */
void ka_chars_text(const uint8_t *bytes, size_t n, size_t max, unsigned repeats, bool has_more, struct ka_str *to);
/* The string at an address, as much as may be shown: bytes in the printer's scratch. False: not even its first byte is there. */
bool ka_printer_string(struct ka_printer *p, uint64_t at, size_t max, uint8_t **ret, size_t *ret_size, bool *ret_has_more);

#endif
