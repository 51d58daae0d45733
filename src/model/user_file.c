/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Programs and libraries of user space as files: from below the sysroot, or put together of the dump's page cache; and the program
 * headers of either, or of what lies in memory. Nothing in them is trusted.
 */
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <kanalyze/vfs.h>
#include "user_file.h"

#define NOTES_MAX 4096
#define CACHED_MAX (64 << 20)

uint64_t ka_user_number(const uint8_t *at, unsigned size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | at[size];
	return v;
}

/* The GNU build-id among notes. */
static void find_build_id(const uint8_t *notes, size_t size, struct ka_user_headers *h)
{
	for (size_t at = 0; at + 12 <= size;) {
		uint64_t name_size = ka_user_number(notes + at, 4), desc_size = ka_user_number(notes + at + 4, 4), type = ka_user_number(notes + at + 8, 4);
		size_t name = at + 12, desc = name + (size_t)((name_size + 3) & ~3ull);

		if (name_size > NOTES_MAX || desc_size > NOTES_MAX || desc > size || desc_size > size - desc)
			return;
		if (type == NT_GNU_BUILD_ID && name_size == 4 && !memcmp(notes + name, "GNU", 4) && desc_size <= sizeof(h->build_id)) {
			memcpy(h->build_id, notes + desc, desc_size);
			h->build_id_size = (size_t)desc_size;
			return;
		}
		at = desc + (size_t)((desc_size + 3) & ~3ull);
	}
}

bool ka_user_headers_read(ka_user_read_fn read, void *ctx, uint64_t base, bool is_memory, struct ka_user_headers *h, uint64_t *ret_bias)
{
	uint8_t e[64], ph[56], notes[NOTES_MAX];
	uint64_t phoff, note_at = 0, note_size = 0;
	unsigned phnum, phsize, word;

	memset(h, 0, sizeof(*h));
	*ret_bias = 0;
	if (!read(ctx, base, e, 52) || memcmp(e, ELFMAG, SELFMAG) || e[EI_DATA] != ELFDATA2LSB || (e[EI_CLASS] != ELFCLASS64 && e[EI_CLASS] != ELFCLASS32))
		return false;
	h->is_64bit = e[EI_CLASS] == ELFCLASS64;
	if (h->is_64bit && !read(ctx, base, e, 64))
		return false;
	word = h->is_64bit ? 8 : 4;
	h->e_machine = (uint16_t)ka_user_number(e + 18, 2);
	phoff = ka_user_number(e + 24 + word, word);
	phsize = (unsigned)ka_user_number(e + (h->is_64bit ? 54 : 42), 2);
	phnum = (unsigned)KA_MIN(ka_user_number(e + (h->is_64bit ? 56 : 44), 2), KA_USER_HEADERS);
	if (phsize != (h->is_64bit ? 56u : 32u) || phoff > 1 << 20)
		return false;
	for (unsigned i = 0; i < phnum; i++) {
		uint64_t type, offset, addr, size;

		if (!read(ctx, base + phoff + i * phsize, ph, phsize))
			return false;
		type = ka_user_number(ph, 4);
		offset = ka_user_number(ph + (h->is_64bit ? 8 : 4), word);
		addr = ka_user_number(ph + (h->is_64bit ? 16 : 8), word);
		size = ka_user_number(ph + (h->is_64bit ? 32 : 16), word);
		if (type == PT_LOAD && size) {
			if (is_memory && !h->load_count)
				*ret_bias = base - (addr - offset);
			h->load[h->load_count++] = (struct ka_user_load){ offset, size, addr };
		} else if (type == PT_GNU_EH_FRAME) {
			h->eh_frame_hdr = addr;
		} else if (type == PT_DYNAMIC) {
			h->dynamic = addr;
			h->dynamic_size = size;
		} else if (type == PT_NOTE && !h->build_id_size) {
			note_at = is_memory ? *ret_bias + addr : offset;
			note_size = KA_MIN(size, sizeof(notes));
			if (read(ctx, note_at, notes, (size_t)note_size))
				find_build_id(notes, (size_t)note_size, h);
		}
	}
	return h->load_count > 0;
}

static bool read_object(void *ctx, uint64_t at, void *ret, size_t size)
{
	const struct ka_object *o = ctx;

	if (at > o->size || size > o->size - at)
		return false;
	memcpy(ret, o->data + at, size);
	return true;
}

/* ---- files below the sysroot ---- */

struct files {
	pthread_mutex_t lock;
	struct { KA_VEC(struct ka_user_file *); } all;
};

static void *files_make(struct ka_kernel *k)
{
	struct files *f = ka_xalloc(sizeof(*f));

	(void)k;
	pthread_mutex_init(&f->lock, NULL);
	return f;
}

static void files_drop(void *state)
{
	struct files *f = state;

	for (size_t i = 0; i < f->all.n; i++) {
		struct ka_user_file *file = f->all.at[i];

		ka_symtab_free(file->dynsym);
		if (file->debug)
			ka_object_close(file->debug);
		if (file->object)
			ka_object_close(file->object);
		free(file->path);
		free(file->why_not);
		free(file);
	}
	ka_vec_free(&f->all);
	pthread_mutex_destroy(&f->lock);
	free(f);
}

static struct files *files_of(struct ka_kernel *k)
{
	static const char key;

	return ka_kernel_state(k, &key, files_make, files_drop);
}

static struct ka_user_file *file_known(const struct files *files, const char *path)
{
	for (size_t i = 0; i < files->all.n; i++)
		if (!strcmp(files->all.at[i]->path, path))
			return files->all.at[i];
	return NULL;
}

/* Of a stripped program: SYSROOT/usr/lib/debug/.build-id/xx/rest.debug, or PATH.debug below SYSROOT/usr/lib/debug. */
static struct ka_object *find_debug(const char *sysroot, const char *path, const struct ka_object *o)
{
	struct ka_object *found = NULL;
	char id[129], *names[2];

	ka_build_id_text(o->build_id, o->build_id_size, id);
	names[0] = o->build_id_size > 1 ? ka_xprintf("%s/usr/lib/debug/.build-id/%.2s/%s.debug", sysroot, id, id + 2) : NULL;
	names[1] = ka_xprintf("%s/usr/lib/debug%s.debug", sysroot, path);
	for (unsigned i = 0; i < 2; i++) {
		struct ka_object *d = NULL;

		if (!found && names[i] && !ka_error_drop(ka_object_open(names[i], &d))) {
			if (d->build_id_size == o->build_id_size && !memcmp(d->build_id, o->build_id, o->build_id_size))
				found = d;
			else
				ka_object_close(d);
		}
		free(names[i]);
	}
	return found;
}

/* Behind the opening. sysroot: NULL of what comes from the dump. */
static void file_opened(struct ka_user_file *f, const char *sysroot, const char *path)
{
	uint64_t bias;

	if (!ka_user_headers_read(read_object, f->object, 0, false, &f->headers, &bias)) {
		f->why_not = ka_xprintf("%s has no program headers", f->path);
		ka_object_close(f->object);
		f->object = NULL;
		return;
	}
	if (sysroot && !ka_object_section(f->object, ".symtab"))
		f->debug = find_debug(sysroot, path, f->object);
	if (ka_error_drop(ka_object_symtab(f->debug ? f->debug : f->object, &f->symtab)))
		f->symtab = NULL;
	if (!f->symtab && ka_error_drop(ka_object_dynsym(f->object, &f->dynsym)))
		f->dynsym = NULL;
}

static struct ka_user_file *file_make(const char *sysroot, const char *path)
{
	struct ka_user_file *f = ka_xalloc(sizeof(*f));
	struct ka_error *err;
	struct stat st;

	f->path = ka_xprintf("%s%s", sysroot, path);
	if (stat(f->path, &st)) {
		f->why_not = ka_xprintf("%s is not there", f->path);
		return f;
	}
	if (!S_ISREG(st.st_mode)) {	/* a device or pipe that the dump names would be read for ever */
		f->why_not = ka_xprintf("%s is no regular file", f->path);
		return f;
	}
	err = ka_object_open(f->path, &f->object);
	if (err) {
		f->why_not = ka_xstrdup(err->message);
		ka_error_free(err);
		f->object = NULL;
		return f;
	}
	file_opened(f, sysroot, path);
	return f;
}

/* All of the file into one in memory, which has no name; -1: not all of it is in the dump. */
static int copy_cached(struct ka_user_space *s, const struct ka_user_area *a, uint64_t size)
{
	struct ka_user_area whole = { .end = size, .file = a->file };
	uint64_t page = ka_page_size(s->k);
	uint8_t *bytes = ka_xalloc(page);
	int fd = memfd_create("kanalyze", MFD_CLOEXEC);

	for (uint64_t at = 0; fd >= 0 && at < size; at += page) {
		size_t part = (size_t)KA_MIN(page, size - at);

		if (ka_interrupted() || !ka_user_cached_read(s, &whole, at, bytes, part) || pwrite(fd, bytes, part, (off_t)at) != (ssize_t)part) {
			close(fd);
			fd = -1;
		}
	}
	free(bytes);
	return fd;
}

static struct ka_user_file *cached_make(struct ka_user_space *s, const struct ka_user_area *a, const char *path)
{
	struct ka_user_file *f = ka_xalloc(sizeof(*f));
	struct ka_vfs_file file;
	struct ka_inode inode;
	char name[64];
	int fd;

	f->path = ka_xstrdup(path);
	if (ka_error_drop(ka_vfs_file_read(s->k, a->file, &file)) || ka_error_drop(ka_inode_read(s->k, file.inode, &inode)) ||
	    inode.size < 64 || inode.size > CACHED_MAX || (fd = copy_cached(s, a, (uint64_t)inode.size)) < 0) {
		f->why_not = ka_xprintf("%s: not all of it is in the dump", a->name);
		return f;
	}
	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	if (ka_error_drop(ka_object_open(name, &f->object))) {
		f->why_not = ka_xprintf("%s: no ELF file", a->name);
		f->object = NULL;
	} else {
		free(f->object->path);	/* for messages */
		f->object->path = ka_xprintf("%s of the page cache", a->name);
		file_opened(f, NULL, a->name);
	}
	close(fd);
	return f;
}

struct ka_user_file *ka_user_file_below(struct ka_kernel *k, const char *sysroot, const char *path)
{
	struct files *files = files_of(k);
	char *whole = ka_xprintf("%s%s", sysroot, path);
	struct ka_user_file *f;

	pthread_mutex_lock(&files->lock);
	f = file_known(files, whole);
	if (!f) {
		f = file_make(sysroot, path);
		ka_vec_push(&files->all, f);
	}
	pthread_mutex_unlock(&files->lock);
	free(whole);
	return f;
}

struct ka_user_file *ka_user_file_cached(struct ka_user_space *s, const struct ka_user_area *a)
{
	struct files *files = files_of(s->k);
	struct ka_vfs_file file = { 0 };
	struct ka_user_file *f;
	char *name;

	ka_error_drop(ka_vfs_file_read(s->k, a->file, &file));
	name = ka_xprintf("inode %" PRIx64, file.inode);
	pthread_mutex_lock(&files->lock);
	f = file_known(files, name);
	if (!f) {
		f = cached_make(s, a, name);
		ka_vec_push(&files->all, f);
	}
	pthread_mutex_unlock(&files->lock);
	free(name);
	return f;
}
