/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From an object to libdw: the bytes it reads (unpacked and relocated where that is needed), and its handles. */
#include <errno.h>
#include <sys/mman.h>
#include "object.h"

/* Bytes of an ELF file with nothing but .debug_* in it, or the object's own. */
struct ka_dwarf_image {
	uint8_t *at;
	size_t size;
	bool is_own;
};

static bool is_debug_section(const struct ka_section *s)
{
	return (!strncmp(s->name, ".debug_", 7) || !strncmp(s->name, ".zdebug_", 8)) && s->type != SHT_NOBITS && s->size;
}

struct build {
	struct ka_object *o;
	struct ka_dwarf_image *image;
	struct build_part {
		const struct ka_section *s;
		size_t offset, size;
		struct ka_error *err;
	} *parts;
	size_t count;
};

static void build_part(void *ctx, size_t i)
{
	struct build *b = ctx;
	struct build_part *p = &b->parts[i];
	uint8_t *out = b->image->at + p->offset;

	p->err = ka_object_content_copy(b->o, p->s, out, p->size);
	if (!p->err)
		p->err = ka_object_relocate(b->o, p->s, out, p->size);
}

static void put(const struct ka_object *o, uint8_t *at, uint64_t value, size_t size)
{
	for (size_t i = 0; i < size; i++)
		at[o->is_big_endian ? size - 1 - i : i] = (uint8_t)(value >> (8 * i));
}

#define PUT(o, p, type, member, value) do {								\
	if ((o)->is_64bit)										\
		put(o, (p) + offsetof(Elf64_##type, member), value, sizeof(((Elf64_##type *)0)->member));	\
	else												\
		put(o, (p) + offsetof(Elf32_##type, member), value, sizeof(((Elf32_##type *)0)->member));	\
} while (0)

/* Headers, names and section headers around the parts. */
static void build_headers(struct build *b, size_t names_at, size_t headers_at)
{
	const struct ka_object *o = b->o;
	uint8_t *p = b->image->at, *names = p + names_at;
	size_t entry = o->is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr), name = 1;

	memcpy(p, o->data, EI_NIDENT);
	PUT(o, p, Ehdr, e_type, ET_EXEC);
	PUT(o, p, Ehdr, e_machine, o->e_machine);
	PUT(o, p, Ehdr, e_version, EV_CURRENT);
	PUT(o, p, Ehdr, e_ehsize, o->is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr));
	PUT(o, p, Ehdr, e_shoff, headers_at);
	PUT(o, p, Ehdr, e_shentsize, entry);
	PUT(o, p, Ehdr, e_shnum, b->count + 2);
	PUT(o, p, Ehdr, e_shstrndx, b->count + 1);
	for (size_t i = 0; i <= b->count; i++) {
		uint8_t *h = p + headers_at + (i + 1) * entry;
		const char *text = i < b->count ? b->parts[i].s->name : ".shstrtab";

		PUT(o, h, Shdr, sh_name, name);
		if (!strncmp(text, ".zdebug_", 8)) {
			names[name++] = '.';
			text += 2;
		}
		memcpy(names + name, text, strlen(text) + 1);
		name += strlen(text) + 1;
		PUT(o, h, Shdr, sh_type, i < b->count ? SHT_PROGBITS : SHT_STRTAB);
		PUT(o, h, Shdr, sh_addralign, 1);
		if (i < b->count) {
			PUT(o, h, Shdr, sh_offset, b->parts[i].offset);
			PUT(o, h, Shdr, sh_size, b->parts[i].size);
		}
	}
	uint8_t *h = p + headers_at + (b->count + 1) * entry;

	PUT(o, h, Shdr, sh_offset, names_at);
	PUT(o, h, Shdr, sh_size, name);
}

static void image_free(struct ka_dwarf_image *image)
{
	if (image && image->is_own)
		munmap(image->at, image->size);
	free(image);
}

/*
 * libdw can read the file as it is unless sections are compressed (libelf before 0.189 knows no zstd, and unpacks all
 * on one core) or await relocation (ET_REL): then a copy is made with the debugging sections only.
 */
static struct ka_error *image_make(struct ka_object *o, struct ka_dwarf_image **ret)
{
	struct build b = { .o = o, .image = ka_xalloc(sizeof(*b.image)) };
	struct ka_error *err = NULL;
	bool is_plain = o->e_type != ET_REL;
	size_t at = sizeof(Elf64_Ehdr), names_size = 32;

	for (size_t i = 1; i < o->section_count; i++)
		if (is_debug_section(&o->sections[i]) &&
		    ((o->sections[i].flags & SHF_COMPRESSED) || o->sections[i].name[1] == 'z'))
			is_plain = false;
	*ret = b.image;
	if (is_plain) {
		b.image->at = (uint8_t *)o->data;	/* libelf asks for char *, but only reads (ELF_C_READ) */
		b.image->size = (size_t)o->size;
		return NULL;
	}
	b.parts = ka_xalloc((o->section_count + 1) * sizeof(*b.parts));
	for (size_t i = 1; i < o->section_count; i++) {
		const struct ka_section *s = &o->sections[i];

		/* groups (COMDAT) of a module may hold several sections of one name: libdw takes the first, as here */
		if ((!is_debug_section(s) && strcmp(s->name, ".gnu_debugaltlink")) || b.count >= SHN_LORESERVE - 2)
			continue;
		if (s->size > SIZE_MAX / 4 - at) {
			err = ka_error_new(KA_CORRUPT, "%s: section %s claims %llu bytes", o->path, s->name,
					   (unsigned long long)s->size);
			break;
		}
		b.parts[b.count++] = (struct build_part){ .s = s, .offset = at, .size = (size_t)s->size };
		at = (at + (size_t)s->size + 15) & ~(size_t)15;
		names_size += strlen(s->name) + 1;
	}
	size_t names_at = at, headers_at = (names_at + names_size + 15) & ~(size_t)15;

	b.image->size = headers_at + (b.count + 2) * sizeof(Elf64_Shdr);
	if (!err) {
		void *p = mmap(NULL, b.image->size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			       -1, 0);

		if (p == MAP_FAILED) {
			err = ka_error_new(KA_IO, "%s: no %zu MB of memory to unpack its debug sections: %s", o->path,
					   b.image->size >> 20, strerror(errno));
		} else {
			b.image->at = p;
			b.image->is_own = true;
		}
	}
	if (!err) {
		ka_log(2, "%s: unpacking %zu debug sections, %zu MB", o->path, b.count, b.image->size >> 20);
		ka_parallel(b.count, build_part, &b);
		build_headers(&b, names_at, headers_at);
		if (ka_interrupted())
			err = ka_error_new(KA_INTERRUPTED, "%s: interrupted while its debug sections were unpacked",
					   o->path);
	}
	for (size_t i = 0; i < b.count; i++) {
		if (!err)
			err = b.parts[i].err;
		else
			ka_error_free(b.parts[i].err);
	}
	/* others that ask for a section's content need not unpack it again */
	if (!err && o->e_type != ET_REL) {
		struct ka_object_priv *priv = ka_object_priv(o);

		pthread_mutex_lock(&priv->lock);
		for (size_t i = 0; i < b.count; i++) {
			struct ka_content *c = &priv->contents[b.parts[i].s->index];

			if (!c->at) {
				c->at = b.image->at + b.parts[i].offset;
				c->size = b.parts[i].size;
			}
		}
		pthread_mutex_unlock(&priv->lock);
	}
	free(b.parts);
	if (err) {
		image_free(b.image);
		*ret = NULL;
	}
	return err;
}

static struct ka_error *handle_open(const struct ka_object *o, const struct ka_dwarf_image *image, Elf **ret_elf,
				    Dwarf **ret)
{
	elf_version(EV_CURRENT);
	*ret_elf = elf_memory((char *)image->at, image->size);
	if (!*ret_elf)
		return ka_error_new(KA_CORRUPT, "%s: %s", o->path, elf_errmsg(-1));
	*ret = dwarf_begin_elf(*ret_elf, DWARF_C_READ, NULL);
	if (!*ret) {
		struct ka_error *err =
			ka_error_new(KA_CORRUPT, "%s: its DWARF cannot be read: %s", o->path, dwarf_errmsg(-1));

		elf_end(*ret_elf);
		*ret_elf = NULL;
		return err;
	}
	return NULL;
}

/* With dwarf_lock held. */
static struct ka_error *dwarf_make(struct ka_object *o, struct ka_object *d)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_error *err = image_make(d, &priv->image);

	if (!err)
		err = handle_open(d, priv->image, &priv->elf, &priv->dwarf);
	if (err) {
		image_free(priv->image);
		priv->image = NULL;
		return err;
	}
	priv->alt = ka_object_alt_find(d);
	if (priv->alt) {
		err = image_make(priv->alt, &priv->alt_image);
		if (!err)
			err = handle_open(priv->alt, priv->alt_image, &priv->alt_elf, &priv->alt_dwarf);
		if (!err)
			dwarf_setalt(priv->dwarf, priv->alt_dwarf);
		else
			ka_log(1, "%s", err->message);
		ka_error_drop(err);
	}
	return NULL;
}

struct ka_error *ka_object_dwarf(struct ka_object *o, Dwarf **ret)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	struct ka_error *err = NULL;
	const char *tried;
	struct ka_object *d = ka_object_debug(o, &tried);

	*ret = NULL;
	if (!d)
		return ka_error_new(KA_MISSING, "%s: no debug information (DWARF) in it%s%s", o->path,
				    tried ? ", nor in a file of its own; "
					    "tried "
					  : "",
				    tried ? tried : "");
	pthread_mutex_lock(&priv->dwarf_lock);
	if (!priv->dwarf)
		err = dwarf_make(o, d);
	*ret = priv->dwarf;
	pthread_mutex_unlock(&priv->dwarf_lock);
	return err;
}

void ka_object_dwarf_lock(struct ka_object *o)
{
	pthread_mutex_lock(&ka_object_priv(o)->dwarf_lock);
}

void ka_object_dwarf_unlock(struct ka_object *o)
{
	pthread_mutex_unlock(&ka_object_priv(o)->dwarf_lock);
}

struct ka_error *ka_object_dwarf_fork(struct ka_object *o, struct ka_dwarf_fork *ret)
{
	struct ka_object_priv *priv = ka_object_priv(o);
	Dwarf *shared;
	struct ka_error *err = ka_object_dwarf(o, &shared);

	*ret = (struct ka_dwarf_fork){ 0 };
	if (err)
		return err;
	err = handle_open(o, priv->image, &ret->elf, &ret->dwarf);
	if (!err && priv->alt_dwarf) {
		err = handle_open(priv->alt, priv->alt_image, &ret->alt_elf, &ret->alt);
		if (!err)
			dwarf_setalt(ret->dwarf, ret->alt);
		else
			ka_object_dwarf_fork_end(ret);
	}
	return err;
}

void ka_object_dwarf_fork_end(struct ka_dwarf_fork *f)
{
	dwarf_end(f->dwarf);
	elf_end(f->elf);
	dwarf_end(f->alt);
	elf_end(f->alt_elf);
	*f = (struct ka_dwarf_fork){ 0 };
}

struct ka_error *ka_object_debug_content(struct ka_object *o, const char *name, const uint8_t **ret, size_t *ret_size)
{
	const struct ka_section *s = ka_object_section(o, name);
	struct ka_error *err;

	if ((!s || s->type == SHT_NOBITS) && !strncmp(name, ".debug_", 7)) {
		struct ka_object *debug = ka_object_debug(o, NULL);

		if (debug && debug != o) {
			o = debug;
			s = ka_object_section(o, name);
		}
	}
	struct ka_object_priv *priv = ka_object_priv(o);

	if (!s || s->type == SHT_NOBITS)
		return ka_error_new(KA_MISSING, "%s: no section %s", o->path, name);
	err = ka_object_content(o, s, ret, ret_size);
	if (err || o->e_type != ET_REL)
		return err;
	pthread_mutex_lock(&priv->dwarf_lock);
	if (!priv->relocated)
		priv->relocated = ka_xalloc(o->section_count * sizeof(*priv->relocated));
	if (!priv->relocated[s->index]) {
		uint8_t *copy = ka_xalloc(*ret_size + 1);

		memcpy(copy, *ret, *ret_size);
		err = ka_object_relocate(o, s, copy, *ret_size);
		if (err)
			free(copy);
		else
			priv->relocated[s->index] = copy;
	}
	*ret = priv->relocated[s->index];
	pthread_mutex_unlock(&priv->dwarf_lock);
	return err;
}

void ka_object_dwarf_free(struct ka_object *o)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	dwarf_end(priv->dwarf);
	elf_end(priv->elf);
	dwarf_end(priv->alt_dwarf);
	elf_end(priv->alt_elf);
	image_free(priv->image);
	image_free(priv->alt_image);
	ka_object_close(priv->alt);
	ka_object_close(priv->debug);
	free(priv->debug_tried);
	for (size_t i = 0; priv->relocated && i < o->section_count; i++)
		free(priv->relocated[i]);
	free(priv->relocated);
}
