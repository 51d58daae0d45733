/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Other files with an object's debug information: by build-id, by .gnu_debuglink, and dwz's common one. */
#include <limits.h>
#include "dwarf_die.h"
#include "object.h"

#define PARENTS_MAX	24

static bool has_dwarf(const struct ka_object *o)
{
	const struct ka_section *s = ka_object_section(o, ".debug_info");

	return s && s->type != SHT_NOBITS && s->size;
}

struct search {
	struct ka_object *o;
	struct ka_str tried;
	unsigned tried_count;
	struct ka_object *found;
};

/* True when the search is over. Takes ownership of path. */
static bool try_debug(struct search *s, char *path)
{
	struct ka_object *d = NULL;
	struct ka_error *err = ka_object_open(path, &d);
	const struct ka_object *o = s->o;
	const char *why = NULL;

	if (err)
		why = err->code == KA_NOT_FOUND ? "none" : err->message;
	else if (!strcmp(path, o->path))
		why = "is the file itself";
	else if (o->build_id_size && d->build_id_size &&
		 (o->build_id_size != d->build_id_size || memcmp(o->build_id, d->build_id, o->build_id_size)))
		why = "another build-id";
	else if (!has_dwarf(d))
		why = "has no .debug_info";
	if (why) {
		ka_log(2, "debug file %s: %s", path, why);
		if (s->tried_count++ < 6 || strcmp(why, "none"))
			ka_str_printf(&s->tried, "%s%s%s%s%s", s->tried.len ? ", " : "", path,
				      strcmp(why, "none") ? " (" : "", strcmp(why, "none") ? why : "",
				      strcmp(why, "none") ? ")" : "");
		ka_object_close(d);
	} else {
		ka_log(1, "%s: debug information from %s", o->path, path);
		s->found = d;
	}
	ka_error_free(err);
	free(path);
	return !why;
}

/* Calls fn for the directory of path and each above it, deepest first: unpacked packages and other roots are found so. */
static bool each_parent(const char *path, bool (*fn)(void *ctx, const char *dir, const char *below), void *ctx)
{
	char *real = realpath(path, NULL);
	char *dir = real ? real : ka_xstrdup(path), *full = NULL;
	bool is_done = false;

	for (int i = 0; i < PARENTS_MAX && !is_done; i++) {
		char *slash = strrchr(dir, '/');

		if (!slash)
			break;
		*slash = 0;
		if (!full)
			full = ka_xstrdup(dir);
		is_done = fn(ctx, dir, full + strlen(dir));
	}
	free(full);
	free(dir);
	return is_done;
}

static bool debug_by_id(void *ctx, const char *dir, const char *below)
{
	struct search *s = ctx;
	char id[129];

	(void)below;
	if (s->o->build_id_size < 2)
		return true;
	ka_build_id_text(s->o->build_id, s->o->build_id_size, id);
	return try_debug(s, ka_xprintf("%s/.build-id/%.2s/%s.debug", dir, id, id + 2)) ||
	       try_debug(s, ka_xprintf("%s/usr/lib/debug/.build-id/%.2s/%s.debug", dir, id, id + 2));
}

struct link_search {
	struct search *s;
	const char *name;
};

static bool debug_by_link(void *ctx, const char *dir, const char *below)
{
	struct link_search *l = ctx;

	if (!*below && (try_debug(l->s, ka_xprintf("%s/%s", dir, l->name)) ||
			try_debug(l->s, ka_xprintf("%s/.debug/%s", dir, l->name))))
		return true;
	return try_debug(l->s, ka_xprintf("%s/usr/lib/debug%s/%s", dir, below, l->name));
}

/* A file name out of a section: no path, no rubbish. */
static const char *link_name(struct ka_object *o, const char *section, bool is_path, size_t *ret_rest, size_t *ret_size)
{
	const struct ka_section *s = ka_object_section(o, section);
	const uint8_t *p;
	size_t size;

	if (!s || ka_error_drop(ka_object_content(o, s, &p, &size)) || !size ||
	    !memchr(p, 0, KA_MIN(size, (size_t)PATH_MAX)) || !*p || (!is_path && strchr((const char *)p, '/')))
		return NULL;
	if (ret_rest) {
		*ret_rest = strlen((const char *)p) + 1;
		*ret_size = size;
	}
	return (const char *)p;
}

struct ka_object *ka_object_debug(struct ka_object *o, const char **ret_tried)
{
	struct ka_object_priv *priv = ka_object_priv(o);

	if (ret_tried)
		*ret_tried = NULL;
	if (has_dwarf(o))
		return o;
	pthread_mutex_lock(&priv->dwarf_lock);
	if (!priv->is_debug_sought) {
		struct search s = { .o = o };
		struct link_search l = { &s, link_name(o, ".gnu_debuglink", false, NULL, NULL) };
		bool is_done = each_parent(o->path, debug_by_id, &s);

		if (!s.found && l.name)
			is_done = each_parent(o->path, debug_by_link, &l);
		(void)is_done;
		priv->debug = s.found;
		priv->debug_tried = s.tried.p;
		priv->is_debug_sought = true;
	}
	if (ret_tried)
		*ret_tried = priv->debug_tried;
	pthread_mutex_unlock(&priv->dwarf_lock);
	return priv->debug;
}

/* ---- dwz's common file ---- */

struct alt_search {
	const char *path, *base;	/* as the section says */
	const uint8_t *id;
	size_t id_size;
	bool is_sup;			/* by .debug_sup */
	struct ka_object *found;
};

/* .debug_sup of DWARF 5: the name of the common file and its checksum; the common file has one, too, without a name. */
static bool sup_read(struct ka_object *o, bool is_common, struct alt_search *ret)
{
	const struct ka_section *s = ka_object_section(o, ".debug_sup");
	const uint8_t *p, *end, *name_end;
	uint64_t length;
	size_t size;

	if (!s || ka_error_drop(ka_object_content(o, s, &p, &size)) || size < 4 || size > PATH_MAX || ka_object_uint(o, p, 2) != 5 ||
	    p[2] != is_common)
		return false;
	end = p + size;
	p += 3;
	name_end = memchr(p, 0, (size_t)(end - p));
	if (!name_end || (!is_common && !*p))
		return false;
	ret->path = (const char *)p;
	p = name_end + 1;
	length = ka_dwarf_uleb(&p, end);
	if (!p || length > (uint64_t)(end - p) || length > 64)
		return false;
	ret->id = p;
	ret->id_size = (size_t)length;
	ret->is_sup = true;
	return true;
}

bool ka_object_has_alt(const struct ka_object *d)
{
	return ka_object_section(d, ".gnu_debugaltlink") || ka_object_section(d, ".debug_sup");
}

/* Is it the file that is meant? By its build-id; by its checksum, where it has such. */
static bool is_alt(const struct alt_search *a, struct ka_object *d)
{
	struct alt_search own = {0};

	if (a->is_sup)
		return sup_read(d, true, &own) && own.id_size == a->id_size && !memcmp(own.id, a->id, a->id_size);
	return d->build_id_size == a->id_size && !memcmp(d->build_id, a->id, a->id_size);
}

static bool try_alt(struct alt_search *a, char *path)
{
	struct ka_object *d = NULL;

	if (!ka_error_drop(ka_object_open(path, &d)) && is_alt(a, d))
		a->found = d;
	else
		ka_object_close(d);
	free(path);
	return a->found;
}

static bool alt_in(void *ctx, const char *dir, const char *below)
{
	struct alt_search *a = ctx;
	char id[129];

	ka_build_id_text(a->id, a->id_size, id);
	if (a->id_size < 2)
		strcpy(id, "00");
	return (!*below && *a->path != '/' && try_alt(a, ka_xprintf("%s/%s", dir, a->path))) ||
	       try_alt(a, ka_xprintf("%s/.dwz/%s", dir, a->base)) ||
	       try_alt(a, ka_xprintf("%s/.build-id/%.2s/%s.debug", dir, id, id + 2)) ||
	       try_alt(a, ka_xprintf("%s/usr/lib/debug/.dwz/%s", dir, a->base)) ||
	       (*a->path == '/' && try_alt(a, ka_xprintf("%s%s", dir, a->path)));
}

struct ka_object *ka_object_alt_find(struct ka_object *d)
{
	size_t rest = 0, size = 0;
	struct alt_search a = { .path = link_name(d, ".gnu_debugaltlink", true, &rest, &size) };

	if (a.path) {
		if (size - rest < 2 || size - rest > 64)
			return NULL;
		a.id = (const uint8_t *)a.path + rest;
		a.id_size = size - rest;
	} else if (!sup_read(d, false, &a)) {
		return NULL;
	}
	a.base = strrchr(a.path, '/') ? strrchr(a.path, '/') + 1 : a.path;
	if (!each_parent(d->path, alt_in, &a))
		ka_log(1, "%s: dwz's common file %s was not found: some types will be missing", d->path, a.path);
	return a.found;
}
