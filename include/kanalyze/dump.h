/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The dump as a file: its format, what it says of itself, what it holds and what not. */
#ifndef KANALYZE_DUMP_H
#define KANALYZE_DUMP_H

#include <kanalyze/unwind.h>

struct ka_dump_info {
	const char *format;		/* "kdump compressed", "ELF vmcore" ... */
	unsigned header_version;	/* of the kdump-compressed header; 0: none */
	bool is_flattened, is_partial, is_incomplete, is_split, is_live;
	const char *machine;		/* "x86_64" as its header says; NULL: a machine unknown */
	uint16_t e_machine;
	bool is_64bit, is_big_endian;
	uint32_t block_size;		/* of its pages; 0: the format has none (ELF) */
	int level;			/* makedumpfile -d N; -1 unknown */
	uint64_t pages_present, pages_excluded;	/* 0 when not counted */
	uint64_t max_pfn;		/* one past the highest page frame */
	uint64_t timestamp_s;		/* of its header; 0 none */
	bool has_phys_base;
	uint64_t phys_base;
	const char *release, *nodename, *version, *header_machine;	/* of its header; "" when none */
	unsigned cpu_count;		/* as the header says; 0 unknown */
	const char *erased;		/* what makedumpfile was told to erase; NULL: nothing */
	const char *warning;		/* what is wrong with the file; NULL: nothing */
	const char *vmcoreinfo;		/* its text; NULL: none */
	size_t file_count, note_count;
};

/* Pointers live as long as the kernel. */
void ka_dump_info(struct ka_kernel *k, struct ka_dump_info *ret);

struct ka_dump_file {
	const char *path;
	uint64_t size;			/* bytes on disk; flattened ones: of the stream */
};
bool ka_dump_file(struct ka_kernel *k, size_t i, struct ka_dump_file *ret);

struct ka_dump_note {
	const char *name;		/* "CORE", "QEMU", "VMCOREINFO" */
	uint32_t type, size;
	const uint8_t *bytes;
};
bool ka_dump_note(struct ka_kernel *k, size_t i, struct ka_dump_note *ret);
/* Registers of a note of a CPU (NT_PRSTATUS, QEMU's), as crash prints them; false: it is no such note. */
bool ka_dump_note_regs(struct ka_kernel *k, size_t i, struct ka_pt_regs *ret);

/* Ranges of physical memory that it holds: how many there are and how many bytes. Asks for all: not for large loops. */
void ka_dump_ranges(struct ka_kernel *k, size_t *ret_count, uint64_t *ret_bytes);

/* Bytes of the (first) file at an offset, as much as there is; *err says why it stopped. */
size_t ka_dump_read(struct ka_kernel *k, uint64_t offset, void *ret, size_t size, struct ka_error **err);

#endif
