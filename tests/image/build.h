/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Dump files from a short text, for tests: no binary is in the tree. */
#ifndef KA_TEST_IMAGE_BUILD_H
#define KA_TEST_IMAGE_BUILD_H

#include <kanalyze/base.h>

/*
 * One word a line, then numbers (0x.. or decimal):
 *
 *	kdump VERSION LEVEL MAX_PFN	a kdump-compressed file (or: elf 64, elf 32, perhaps with a machine's number; lime VERSION)
 *	big				big-endian
 *	bits32				kdump: of a 32-bit x86
 *	block SIZE			kdump: of its pages
 *	machine NAME			kdump: of utsname
 *	erased TEXT			kdump: a word of erase info
 *	page PFN HOW			a page in the file: none zlib lzo snappy zstd zero bad unwritten flags outside
 *	memory PFN COUNT		page frames that are memory and not in the file
 *	split START END			one part of several
 *	status BITS			or-ed into the header's status; e_flags of ELF
 *	load PHYS FILESZ MEMSZ		a PT_LOAD; "load ... at OFFSET" puts it somewhere wrong
 *	nophys N			elf: each p_paddr is 0, or with N not 0 all ones
 *	range PHYS SIZE			lime: a range; "padded": without headers, with zeros between
 *	cpus N				N NT_PRSTATUS notes
 *	vmcoreinfo			a VMCOREINFO note with OSRELEASE=test and PAGESIZE=4096
 *	auxv				a note that only cores of user processes have
 *	time SECONDS			of the header
 *	many				the count of program headers is in section 0
 *	flat SIZE			flattened: blocks of SIZE bytes, the last first
 *
 * The byte at physical address A is test_byte(A).
 */
uint8_t test_byte(uint64_t phys);
/* The bytes of the file; the caller frees p. */
struct ka_str test_image(const char *text);
/* Writes it to DIRECTORY/NAME and returns the path, which the caller frees. */
char *test_image_file(const char *directory, const char *name, const char *text);
char *test_bytes_file(const char *directory, const char *name, const void *bytes, size_t size);

#endif
