/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs and libraries that a process has mapped. What tells of them: the file below the sysroot, when its build-id is that of
 * the mapped one as far as both are known; the file as the page cache has it; else what can be read of its pages.
 */
#include <inttypes.h>
#include "user_file.h"

#define DYNAMIC_MAX 4096	/* bytes of PT_DYNAMIC */
#define SYMBOLS_MAX 262144	/* .dynsym in memory */

/* One that is mapped: by its first area. */
struct ka_user_elf {
	const struct ka_user_area *first;
	uint64_t bias;			/* where it is mapped, minus as linked */
	bool has_headers;		/* its own are in the dump */
	struct ka_user_headers headers;
	struct ka_user_file *file;	/* NULL: none, or not the right one */
	struct ka_symtab *dynsym;	/* from memory */
	bool has_tried_dynsym;
};

static bool read_process(void *ctx, uint64_t at, void *ret, size_t size)
{
	return ka_user_read(ctx, at, ret, size);
}

static size_t read_process_some(void *ctx, uint64_t at, void *ret, size_t size)
{
	return ka_user_read(ctx, at, ret, size) ? size : 0;
}

/* ---- what is mapped ---- */

static void remark(struct ka_user_space *s, const char *text)
{
	for (size_t i = 0; i < s->remarks.n; i++)
		if (!strcmp(s->remarks.at[i], text))
			return;
	ka_vec_push(&s->remarks, text);
}

/* Only what the guest's kernel could name: an absolute path, with no way out of the sysroot. */
static bool is_plain_path(const char *path)
{
	return path[0] == '/' && !strstr(path, "/../") && !strstr(path, " (deleted)") && strlen(path) < 4096;
}

static struct ka_user_file *right_file(struct ka_user_space *s, const struct ka_user_elf *e)
{
	struct ka_user_file *f;

	if (!e->first->file)
		return NULL;
	if (!s->sysroot || !is_plain_path(e->first->name)) {
		f = ka_user_file_cached(s, e->first);
		return f->why_not ? NULL : f;
	}
	f = ka_user_file_below(s->k, s->sysroot, e->first->name);
	if (f->why_not) {
		remark(s, ka_strdup(s->arena, f->why_not));
		f = ka_user_file_cached(s, e->first);
		return f->why_not ? NULL : f;
	}
	if (e->has_headers && e->headers.build_id_size && f->headers.build_id_size &&
	    (e->headers.build_id_size != f->headers.build_id_size || memcmp(e->headers.build_id, f->headers.build_id, f->headers.build_id_size))) {
		remark(s, ka_printf(s->arena, "%s is of another build than what was mapped", f->path));
		f = ka_user_file_cached(s, e->first);
		return f->why_not ? NULL : f;
	}
	return f;
}

/* The area of the same file at or below this one that has its start. */
static const struct ka_user_area *first_area(const struct ka_user_space *s, const struct ka_user_area *a)
{
	if (!a->file)
		return a;
	for (size_t i = (size_t)(a - s->areas) + 1; i-- > 0;)
		if (s->areas[i].file == a->file && !s->areas[i].offset)
			return &s->areas[i];
	return a;
}

static struct ka_user_elf *elf_at(struct ka_user_space *s, const struct ka_user_area *area)
{
	const struct ka_user_area *first = first_area(s, area);
	struct ka_user_elf *e;

	for (size_t i = 0; i < s->elfs.n; i++)
		if (s->elfs.at[i]->first == first)
			return s->elfs.at[i];
	e = ka_alloc(s->arena, sizeof(*e));
	e->first = first;
	if (!first->offset)
		e->has_headers = ka_user_headers_read(read_process, s, first->start, true, &e->headers, &e->bias);
	e->file = right_file(s, e);
	ka_vec_push(&s->elfs, e);
	return e;
}

void ka_user_space_close(struct ka_user_space *s)
{
	for (size_t i = 0; i < s->elfs.n; i++)
		ka_symtab_free(s->elfs.at[i]->dynsym);
	ka_user_cached_free(s);
	ka_vec_free(&s->elfs);
	ka_vec_free(&s->remarks);
}

/* Address as linked in the file, by the segment that its place in the file is in. */
static bool linked_addr(const struct ka_user_file *f, const struct ka_user_area *area, uint64_t at, uint64_t *ret)
{
	uint64_t offset = at - area->start + area->offset;

	for (unsigned i = 0; i < f->headers.load_count; i++) {
		const struct ka_user_load *l = &f->headers.load[i];

		if (offset - l->offset < l->size) {
			*ret = l->addr + (offset - l->offset);
			return true;
		}
	}
	return false;
}

struct ka_error *ka_user_rules(struct ka_user_space *s, uint64_t at, struct ka_frame_rules *ret)
{
	const struct ka_user_area *area = ka_user_area_at(s, at);
	struct ka_error *err = NULL, *again;
	struct ka_user_elf *e;
	uint64_t linked;

	if (!area)
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_USER, at, "0x%" PRIx64 " is in no memory area", at);
	e = elf_at(s, area);
	if (e->file && linked_addr(e->file, area, at, &linked)) {
		err = ka_object_cfi(e->file->object, linked, ret);
		if (err && e->file->debug && !ka_error_drop(ka_object_cfi(e->file->debug, linked, ret)))
			return ka_error_free(err), NULL;
		if (!err)
			return NULL;
	}
	if (e->has_headers && e->headers.eh_frame_hdr) {
		struct ka_cfi_memory m = { s, read_process_some, e->headers.e_machine, e->headers.is_64bit };

		again = ka_cfi_search(&m, e->headers.eh_frame_hdr + e->bias, at, ret);
		if (!again || !err) {
			ka_error_free(err);
			return ka_error_wrap(again, "%s", area->name);
		}
		ka_error_free(again);
	}
	if (!err)
		err = ka_error_at(KA_MISSING, KA_SPACE_USER, at, "%s: %s%s", area->name,
				  e->has_headers ? "it has no .eh_frame_hdr" : area->file || !strcmp(area->name, "[vdso]") ? "its pages are not in the dump" :
				  "code of no file, of which nothing tells", s->sysroot || !area->file ? "" : ", and no sysroot is set");
	return err;
}

/* .dynsym as it lies in memory: by PT_DYNAMIC. Its size is nowhere: that of the hash table, or what lies before the strings. */
static struct ka_symtab *dynsym_read(struct ka_user_space *s, const struct ka_user_elf *e)
{
	unsigned word = e->headers.is_64bit ? 8 : 4, entry = e->headers.is_64bit ? 24 : 16;
	uint64_t symtab = 0, strtab = 0, strsz = 0, hash = 0, count = 0, low;
	struct ka_elf_symbol *symbols;
	uint8_t b[24];
	char *strings;
	size_t n = 0;

	for (uint64_t at = 0; at < KA_MIN(e->headers.dynamic_size, (uint64_t)DYNAMIC_MAX); at += 2 * word) {
		uint64_t tag, value;

		if (!ka_user_read(s, e->headers.dynamic + e->bias + at, b, 2 * word))
			return NULL;
		tag = ka_user_number(b, word);
		value = ka_user_number(b + word, word);
		if (tag == DT_NULL)
			break;
		/* ld.so of some architectures adds the bias to them in place, those of others and the vdso's stay as they are */
		if ((tag == DT_SYMTAB || tag == DT_STRTAB || tag == DT_HASH) && value < e->first->start)
			value += e->bias;
		if (tag == DT_SYMTAB)
			symtab = value;
		else if (tag == DT_STRTAB)
			strtab = value;
		else if (tag == DT_STRSZ)
			strsz = value;
		else if (tag == DT_HASH)
			hash = value;
	}
	if (!symtab || !strtab || !strsz || strsz > 16 << 20)
		return NULL;
	if (hash && ka_user_read(s, hash + 4, b, 4))
		count = ka_user_number(b, 4);
	else if (strtab > symtab)
		count = (strtab - symtab) / entry;
	low = KA_MIN(count, (uint64_t)SYMBOLS_MAX);
	strings = ka_xalloc((size_t)strsz + 1);
	/* what can be read of both: a name that lies on a page that is not there is none */
	for (uint64_t at = 0; at < strsz;) {
		uint64_t part = KA_MIN(strsz - at, 4096 - ((strtab + at) & 4095));

		ka_user_read(s, strtab + at, strings + at, (size_t)part);
		at += part;
	}
	symbols = ka_xalloc((size_t)(low + 1) * sizeof(*symbols));
	for (uint64_t i = 0; i < low && !ka_interrupted(); i++) {
		uint64_t name, addr, size, section;
		uint8_t info;

		if (!ka_user_read(s, symtab + i * entry, b, entry))
			continue;
		name = ka_user_number(b, 4);
		info = b[word == 8 ? 4 : 12];
		section = ka_user_number(b + (word == 8 ? 6 : 14), 2);
		addr = ka_user_number(b + (word == 8 ? 8 : 4), word);
		size = ka_user_number(b + (word == 8 ? 16 : 8), word);
		if (!section || name >= strsz || !strings[name] || (info & 0xf) > STT_FUNC)
			continue;
		symbols[n++] = (struct ka_elf_symbol){ .addr = addr, .size = (uint32_t)KA_MIN(size, (uint64_t)UINT32_MAX), .name = (uint32_t)name,
						       .section = (uint16_t)section, .type = 'T', .info = info };
	}
	return ka_symtab_new(symbols, n, strings, (size_t)strsz + 1);
}

static bool symbol_in(const struct ka_user_space *space, const struct ka_symtab *t, uint64_t at, const char **ret_name, uint64_t *ret_offset)
{
	const struct ka_elf_symbol *s;
	const char *name;
	size_t i;

	if (!t || !ka_symtab_at(t, at, &i))
		return false;
	s = &t->at[i];
	if (s->size && at - s->addr >= s->size)
		return false;
	/* without its version: "nanosleep@@GLIBC_2.2.5" */
	name = t->strings + s->name;
	*ret_name = ka_strndup(space->arena, name, strcspn(name + 1, "@") + 1);
	*ret_offset = at - s->addr;
	return true;
}

bool ka_user_symbol(struct ka_user_space *s, uint64_t at, const char **ret_name, uint64_t *ret_offset)
{
	const struct ka_user_area *area = ka_user_area_at(s, at);
	struct ka_user_elf *e;
	uint64_t linked;

	if (!area)
		return false;
	e = elf_at(s, area);
	if (e->file && linked_addr(e->file, area, at, &linked))
		return symbol_in(s, e->file->symtab ? e->file->symtab : e->file->dynsym, linked, ret_name, ret_offset);
	if (!e->has_headers || !e->headers.dynamic)
		return false;
	if (!e->has_tried_dynsym) {
		e->has_tried_dynsym = true;
		e->dynsym = dynsym_read(s, e);
	}
	return symbol_in(s, e->dynsym, at - e->bias, ret_name, ret_offset);
}

bool ka_user_source(struct ka_user_space *s, uint64_t at, struct ka_source *ret)
{
	const struct ka_user_area *area = ka_user_area_at(s, at);
	struct ka_object_place p;
	struct ka_user_elf *e;
	uint64_t linked;

	if (!area)
		return false;
	e = elf_at(s, area);
	if (!e->file || !linked_addr(e->file, area, at, &linked) ||
	    !ka_object_place(e->file->debug ? e->file->debug : e->file->object, linked, 0, &p))
		return false;
	*ret = (struct ka_source){ .file = p.file, .name = p.name, .function = p.function, .line = p.line };
	return true;
}
