/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Call frame information of .debug_frame (and .eh_frame): a sorted index of FDEs, made once in milliseconds, and the
 * FDE of an address. libdw would scan .debug_frame from its start for each address not seen before, and needs the
 * debug sections unpacked all at once where they are compressed.
 */
#include <dwarf.h>
#include "cfi.h"

#define FDE_MAX		(16U << 20)

/* elfutils' dwarf.h lacks some of them, older ones all. */
enum { PE_ABSPTR = 0, PE_ULEB = 1, PE_UDATA2 = 2, PE_UDATA4 = 3, PE_UDATA8 = 4, PE_SLEB = 9, PE_SDATA2 = 10,
       PE_SDATA4 = 11, PE_SDATA8 = 12, PE_PCREL = 0x10 };

struct source {
	struct ka_object *o;	/* the object, or its separate debug file */
	const uint8_t *data;
	size_t size;
	uint64_t addr;
	bool is_eh;
};

struct ka_cfi {
	struct source sources[2];
	unsigned source_count;
	struct index {
		uint64_t start, end;
		uint32_t at;		/* of the FDE in its section */
		uint32_t source;
	} *fdes;			/* sorted by start */
	size_t n;
	struct ka_error *err;		/* why there is nothing */
};

struct entry {
	size_t at;		/* of its length field */
	size_t id_at, body, end;
	uint64_t id;		/* CIE: marked by is_cie; FDE: where its CIE lies */
	bool is_cie, is_64;
};

/* The entry at *at, and *at to the next. False at the end or at damage. */
static bool entry_next(const struct source *s, size_t *at, struct entry *e)
{
	struct ka_reader b = { .o = s->o, .data = s->data, .at = *at, .end = s->size };
	uint64_t size;

	if (s->size - *at < 4)
		return false;
	e->at = *at;
	size = ka_reader_uint(&b, 4);
	e->is_64 = size == 0xffffffff;
	if (e->is_64)
		size = ka_reader_uint(&b, 8);
	if (b.is_bad || size > s->size - b.at)
		return false;
	e->end = *at = b.at + (size_t)size;
	e->id_at = b.at;
	if (!size) {
		/* a zero ends .eh_frame of one object file; others may follow where the linker put them together */
		e->is_cie = true;
		e->body = b.at;
		e->id = 0;
		return true;
	}
	b.end = e->end;
	size_t id_size = e->is_64 && !s->is_eh ? 8 : 4;
	uint64_t id = ka_reader_uint(&b, id_size);

	e->is_cie = s->is_eh ? !id : id == (id_size == 8 ? ~0ULL : 0xffffffff);
	e->id = s->is_eh ? e->id_at - id : id;	/* .eh_frame counts back from the field itself */
	e->body = b.at;
	return !b.is_bad;
}

uint64_t ka_cfi_pointer(struct ka_reader *b, const struct ka_cfi_fde *f)
{
	uint64_t place = f->section_addr + b->at, v;

	switch (f->encoding & 0xf) {
	case PE_ABSPTR:
		v = ka_reader_uint(b, f->address_size);
		break;
	case PE_ULEB:
		v = ka_reader_uleb(b);
		break;
	case PE_UDATA2:
		v = ka_reader_uint(b, 2);
		break;
	case PE_UDATA4:
		v = ka_reader_uint(b, 4);
		break;
	case PE_SLEB:
		v = (uint64_t)ka_reader_sleb(b);
		break;
	case PE_SDATA2:
		v = (uint64_t)(int16_t)ka_reader_uint(b, 2);
		break;
	case PE_SDATA4:
		v = (uint64_t)(int32_t)ka_reader_uint(b, 4);
		break;
	case PE_UDATA8:
	case PE_SDATA8:
		v = ka_reader_uint(b, 8);
		break;
	default:
		b->is_bad = true;
		return 0;
	}
	if ((f->encoding & 0x70) == PE_PCREL)
		v += place;
	else if (f->encoding & 0xf0)
		b->is_bad = true;	/* text- or data-relative and indirect ones are of user space only */
	return f->address_size == 4 ? (uint32_t)v : v;
}

/* Fills what the CIE says. */
static bool cie_parse(const struct source *s, uint64_t at, struct ka_cfi_fde *f)
{
	struct entry e;
	size_t pos = (size_t)at;

	if (at >= s->size || !entry_next(s, &pos, &e) || !e.is_cie || e.body == e.id_at)
		return false;
	struct ka_reader b = { .o = s->o, .data = s->data, .at = e.body, .end = e.end };
	unsigned version = (unsigned)ka_reader_uint(&b, 1);
	const uint8_t *end = memchr(s->data + b.at, 0, e.end - b.at);

	if (!end || version < 1 || version > 5 || version == 2)
		return false;
	const char *augmentation = (const char *)s->data + b.at;

	b.at = (size_t)(end - s->data) + 1;
	f->o = s->o;
	f->section_addr = s->addr;
	f->address_size = s->o->is_64bit ? 8 : 4;
	f->encoding = PE_ABSPTR;
	f->is_signal = false;
	if (version >= 4) {
		f->address_size = (uint8_t)ka_reader_uint(&b, 1);
		if ((f->address_size != 4 && f->address_size != 8) || ka_reader_uint(&b, 1))
			return false;	/* segments: no machine of Linux */
	}
	f->code_align = ka_reader_uleb(&b);
	f->data_align = ka_reader_sleb(&b);
	f->ra_reg = version == 1 ? ka_reader_uint(&b, 1) : ka_reader_uleb(&b);
	if (*augmentation == 'z') {
		uint64_t size = ka_reader_uleb(&b);
		size_t behind = b.at + (size_t)KA_MIN(size, (uint64_t)(b.end - b.at));

		for (const char *a = augmentation + 1; *a; a++) {
			if (*a == 'R') {
				f->encoding = (uint8_t)ka_reader_uint(&b, 1);
			} else if (*a == 'L') {
				ka_reader_uint(&b, 1);
			} else if (*a == 'P') {
				struct ka_cfi_fde personality = *f;

				personality.encoding = (uint8_t)ka_reader_uint(&b, 1);
				ka_cfi_pointer(&b, &personality);
				b.is_bad = false;	/* its value does not matter; behind is where to go on */
			} else if (*a == 'S') {
				f->is_signal = true;
			} else if (*a != 'B' && *a != 'G') {
				break;	/* unknown, but z says how long it is */
			}
		}
		b.at = behind;
	} else if (*augmentation == 'S' && !augmentation[1]) {
		f->is_signal = true;
	} else if (*augmentation) {
		return false;
	}
	f->cie_program = b;
	return !b.is_bad;
}

static bool fde_parse(const struct source *s, const struct entry *e, struct ka_cfi_fde *f)
{
	struct ka_reader b = { .o = s->o, .data = s->data, .at = e->body, .end = e->end };

	f->start = ka_cfi_pointer(&b, f);
	/* the range has the pointers' size, but is never relative */
	struct ka_cfi_fde plain = *f;

	plain.encoding &= 0xf;
	f->size = ka_cfi_pointer(&b, &plain);
	if (s->is_eh) {
		/* augmentation data of the FDE, there when the CIE's begins with z; .debug_frame has none */
		uint64_t size = ka_reader_uleb(&b);

		b.at += (size_t)KA_MIN(size, (uint64_t)(b.end - b.at));
	}
	f->program = b;
	return !b.is_bad;
}

bool ka_cfi_parse(struct ka_object *o, const uint8_t *cie, size_t cie_size, uint64_t cie_at, const uint8_t *fde, size_t fde_size,
		  uint64_t fde_at, struct ka_cfi_fde *ret)
{
	struct source c = { .o = o, .data = cie, .size = cie_size, .addr = cie_at, .is_eh = true };
	struct source s = { .o = o, .data = fde, .size = fde_size, .addr = fde_at, .is_eh = true };
	struct entry e;
	size_t at = 0;

	if (!cie_parse(&c, 0, ret) || !entry_next(&s, &at, &e) || e.is_cie)
		return false;
	ret->section_addr = fde_at;	/* that pointers are relative to */
	return fde_parse(&s, &e, ret);
}

struct fdes {
	KA_VEC(struct index);
};

static void index_source(const struct source *s, uint32_t number, struct fdes *v)
{
	struct ka_cfi_fde f = { 0 };
	uint64_t last_cie = UINT64_MAX;
	bool is_cie_good = false;
	struct entry e;
	size_t at = 0, bad = 0;

	while (v->n < FDE_MAX && entry_next(s, &at, &e)) {
		if (e.is_cie)
			continue;
		if (e.id != last_cie) {
			is_cie_good = cie_parse(s, e.id, &f);
			last_cie = e.id;
		}
		if (!is_cie_good || !fde_parse(s, &e, &f) || e.at > UINT32_MAX) {
			bad++;
			continue;
		}
		/* functions that the linker dropped are left at 0 */
		if (f.size && f.start && f.start + f.size > f.start)
			ka_vec_push(v, (struct index){ f.start, f.start + f.size, (uint32_t)e.at, number });
	}
	if (bad || s->size - at >= 4)
		ka_log(1, "%s: %s: %zu entries cannot be read, %zu bytes at the end", s->o->path,
		       s->is_eh ? ".eh_frame" : ".debug_frame", bad, s->size - at);
}

static void add_source(struct ka_cfi *c, struct ka_object *o, const char *name, struct fdes *v)
{
	const struct ka_section *section = ka_object_section(o, name);
	struct source *s = &c->sources[c->source_count];
	const uint8_t *data;
	size_t size;

	if (!section || section->type == SHT_NOBITS || !section->size)
		return;
	struct ka_error *err = ka_object_debug_content(o, name, &data, &size);

	if (err) {
		if (c->err)
			ka_error_free(err);
		else
			c->err = err;
		return;
	}
	*s = (struct source){ .o = o, .data = data, .size = size, .is_eh = !strcmp(name, ".eh_frame"),
			      .addr = o->e_type == ET_REL ? ka_object_base(o, section->index) : section->addr };
	index_source(s, c->source_count++, v);
}

static struct ka_cfi *cfi_make(struct ka_object *o)
{
	struct ka_cfi *c = ka_xalloc(sizeof(*c));
	struct ka_object *d = ka_object_debug(o, NULL);
	struct fdes v = { 0 };

	/* where both are, .debug_frame is the compiler's, and .eh_frame at most the same */
	if (d)
		add_source(c, d, ".debug_frame", &v);
	else
		add_source(c, o, ".debug_frame", &v);	/* stripped of all but that (--keep-section) */
	add_source(c, o, ".eh_frame", &v);

	struct ka_sort_key *keys = ka_xalloc(2 * (v.n + 1) * sizeof(*keys));

	for (size_t i = 0; i < v.n; i++)
		keys[i] = (struct ka_sort_key){ v.at[i].start, (uint32_t)i };
	struct ka_sort_key *sorted = ka_sort_keys(keys, keys + v.n + 1, v.n);

	c->fdes = ka_xalloc((v.n + 1) * sizeof(*c->fdes));
	for (size_t i = 0; i < v.n; i++)
		c->fdes[i] = v.at[sorted[i].at];
	c->n = v.n;
	free(keys);
	ka_vec_free(&v);
	ka_log(2, "%s: call frame information for %zu functions", o->path, c->n);
	return c;
}

void ka_cfi_free(struct ka_cfi *c)
{
	if (!c)
		return;
	ka_error_free(c->err);
	free(c->fdes);
	free(c);
}

static struct ka_cfi *cfi_get(struct ka_object *o)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	pthread_mutex_lock(&priv->lock);
	struct ka_cfi *c = priv->cfi;

	pthread_mutex_unlock(&priv->lock);
	if (c)
		return c;
	c = cfi_make(o);
	pthread_mutex_lock(&priv->lock);
	if (priv->cfi)
		ka_cfi_free(c);
	else
		priv->cfi = c;
	c = priv->cfi;
	pthread_mutex_unlock(&priv->lock);
	return c;
}

struct ka_error *ka_object_cfi(struct ka_object *o, uint64_t addr, struct ka_frame_rules *ret)
{
	const struct ka_cfi *c = cfi_get(o);
	size_t low = 0, high = c->n;

	memset(ret, 0, sizeof(*ret));
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (c->fdes[mid].start <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	/* of several that start at one address (both sections), the first */
	while (low > 1 && c->fdes[low - 2].start == c->fdes[low - 1].start)
		low--;
	if (!low || addr >= c->fdes[low - 1].end) {
		if (!c->n && c->err)
			return ka_error_at(c->err->code, KA_SPACE_VIRT, addr, "%s", c->err->message);
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr, "%s: no call frame information for %#llx", o->path,
				   (unsigned long long)addr);
	}
	const struct index *i = &c->fdes[low - 1];
	const struct source *s = &c->sources[i->source];
	struct ka_cfi_fde f = { 0 };
	size_t at = i->at;
	struct entry e;

	if (!entry_next(s, &at, &e) || !cie_parse(s, e.id, &f) || !fde_parse(s, &e, &f))
		return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, addr, "%s: damaged call frame information of %#llx",
				   o->path, (unsigned long long)addr);
	return ka_cfi_row(&f, addr, ret);
}
