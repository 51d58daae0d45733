/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The physical memory in a dump file. Knows nothing of kernels: pages in, notes out. */
#ifndef KA_IMAGE_H
#define KA_IMAGE_H

#include <kanalyze/base.h>

/* A file opened for reading, mapped where the system allows. Bytes past the end are TRUNCATED, never SIGBUS:
 * the size is taken at opening, and a file that shrinks meanwhile is read by pread. */
struct ka_file {
	char *path;
	int fd;
	uint64_t size;
	const uint8_t *map;	/* NULL: use ka_file_read */
	uint64_t raw_size;	/* of the file itself, which differs from size when it is flattened */
	const uint8_t *raw_map;
	bool is_map_broken;	/* the file shrank or its disk failed: the map shows zeros, so it is read by pread. Ask ka_file_is_broken() */
	struct ka_flat *flat;	/* index of a flattened file; NULL: it is a plain one */
	bool is_live;		/* /proc/kcore: memory of the running kernel, which changes while it is read */
	bool is_raw;		/* said to be memory as it is (FILE@PHYSADDR), of whatever format it looks */
	uint64_t raw_phys;	/* where it begins */
};
struct ka_error *ka_file_open(const char *path, struct ka_file **ret) KA_MUST_CHECK;
/* As memory from phys on: nothing in it is looked at. */
struct ka_error *ka_file_open_raw(const char *path, uint64_t phys, struct ka_file **ret) KA_MUST_CHECK;
void ka_file_close(struct ka_file *f);
struct ka_error *ka_file_read(const struct ka_file *f, uint64_t offset, void *ret, size_t size) KA_MUST_CHECK;

/* One ELF note of the dump. name and desc point into the image's own copy. */
struct ka_note {
	const char *name;
	uint32_t type;
	const uint8_t *desc;
	uint32_t size;
};

enum ka_compression { KA_COMP_NONE, KA_COMP_ZLIB = 1, KA_COMP_LZO = 2, KA_COMP_SNAPPY = 4, KA_COMP_ZSTD = 0x20 };

struct ka_image_info {
	const char *format;		/* "kdump compressed", "ELF vmcore" ... */
	bool is_flattened;		/* the file is a stream of makedumpfile -F that makes such a dump */
	uint16_t e_machine;		/* EM_*; 0 unknown */
	bool is_64bit, is_big_endian;
	uint32_t page_size;		/* of the dump's blocks; 0 when the format has none (ELF) */
	bool is_partial;		/* pages were filtered out or the file is incomplete */
	bool is_incomplete;		/* the writer ran out of room, or the file is cut */
	bool is_split;			/* one of several parts (makedumpfile --split) */
	bool is_live;			/* /proc/kcore */
	int dump_level;			/* makedumpfile -d N; -1 unknown */
	unsigned header_version;	/* kdump-compressed */
	uint64_t pages_present, pages_excluded;	/* 0 when not counted */
	uint64_t max_pfn;		/* one past the highest */
	uint64_t timestamp;		/* of the dump header, s; 0 none */
	bool has_phys_base;		/* x86_64: the sub header's phys_base, or p_paddr - (p_vaddr - 0xffffffff80000000) of the kernel image's PT_LOAD */
	uint64_t phys_base;
	char release[65], nodename[65], version[65], machine[65];	/* from the dump header; "" when none */
	unsigned cpu_count;		/* as the header says; 0 unknown */
	char *erased;			/* what makedumpfile was told to erase (its filter commands), one a line; NULL: nothing */
	char *warning;			/* what is wrong with the file but did not stop the opening; NULL: nothing */
};

struct ka_image;

struct ka_image_ops {
	const char *name;
	/* Is the first file (its first bytes) of this format? No error: just "not mine". */
	bool (*probe)(const struct ka_file *f);
	/* Fills img->info, notes, vmcoreinfo, priv. */
	struct ka_error *(*open)(struct ka_image *img);
	/* Any bytes, without the page cache: for what lies in the file as it is. May be NULL: read_page. */
	struct ka_error *(*read)(struct ka_image *img, uint64_t phys, void *ret, size_t size);
	/* One page (img->info.page_size or 4096) at page-aligned phys into buf. Thread-safe. Not needed with read. */
	struct ka_error *(*read_page)(struct ka_image *img, uint64_t phys, void *buf);
	/* Zero-copy: where phys lies in mapped memory and how many bytes follow it there; NULL: use read_page. May be NULL. */
	const uint8_t *(*map)(struct ka_image *img, uint64_t phys, uint64_t *ret_size);
	/* The first present range at or above phys; false when there is none. */
	bool (*next_range)(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end);
	void (*close)(struct ka_image *img);
};

struct ka_image {
	const struct ka_image_ops *ops;
	struct ka_file **files;
	size_t file_count;
	struct ka_image_info info;
	struct ka_note *notes;
	size_t note_count;
	uint8_t **note_bytes;		/* what the notes point into */
	size_t note_bytes_count;
	char *vmcoreinfo;		/* text, NUL-terminated; NULL when the dump has none */
	size_t vmcoreinfo_size;
	bool is_zero_excluded;		/* --zero-excluded: excluded pages read as zero */
	uint64_t zeroed;		/* how often that was done; atomic */
	struct ka_page_cache *cache;
	void *priv;			/* the format's */
};

/* Opens the files as one image (several: --split parts). Takes ownership of the files, also on error. */
struct ka_error *ka_image_open(struct ka_file **files, size_t count, struct ka_image **ret) KA_MUST_CHECK;
void ka_image_close(struct ka_image *img);
/* Does the file look like a dump of a known format? Its name, or NULL. Formats known but not supported are named too, with *ret_hint set. */
const char *ka_image_sniff(const struct ka_file *f, const char **ret_hint);
/* Any bytes at a physical address, through the page cache. Thread-safe. Errors: EXCLUDED, TRUNCATED, CORRUPT, UNMAPPED (no such memory in the dump). */
struct ka_error *ka_image_read(struct ka_image *img, uint64_t phys, void *ret, size_t size) KA_MUST_CHECK;
bool ka_image_next_range(struct ka_image *img, uint64_t phys, uint64_t *ret_start, uint64_t *ret_end);
void ka_image_set_cache_size(struct ka_image *img, uint64_t bytes);	/* default 256 MB */
uint64_t ka_image_cache_size(const struct ka_image *img);

/* Value of a line of VMCOREINFO ("KEY=value"); not NUL-terminated text is cut at the line break into ret. False when absent. */
bool ka_image_vmcoreinfo(const struct ka_image *img, const char *key, char *ret, size_t size);
/* The n-th NT_PRSTATUS (type 1, name "CORE"), i.e. of the n-th CPU that saved one; NULL past the end. */
const struct ka_note *ka_image_prstatus(const struct ka_image *img, unsigned n);
const struct ka_note *ka_image_find_note(const struct ka_image *img, const char *name, uint32_t type, unsigned n);

#endif
