/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The vmlinux of a dump: by build-id, then by release, in the places where distributions and people put it. */
#include <dirent.h>
#include <sys/stat.h>
#include "find.h"

#define DIR_ENTRIES_MAX	100000

static const char *const suffixes[] = { "", ".debug", ".gz", ".xz", ".zst" };

static void reject(struct ka_finder *f, const char *path, const char *why)
{
	ka_log(1, "%s: %s", path, why);
	/* most messages name the file themselves */
	if (!strncmp(why, path, strlen(path)))
		ka_str_printf(&f->rejected, "\n  %s", why);
	else
		ka_str_printf(&f->rejected, "\n  %s: %s", path, why);
}

static bool is_seen(struct ka_finder *f, const struct stat *st)
{
	for (size_t i = 0; i < f->seen.n; i++)
		if (f->seen.at[i].dev == st->st_dev && f->seen.at[i].ino == st->st_ino)
			return true;
	ka_vec_push(&f->seen, (struct ka_finder_seen){ st->st_dev, st->st_ino });
	return false;
}

/*
 * "vermagic=6.1.0-50-amd64 SMP ..." of a module, or the banner of a kernel: does it say another release? NULL:
 * it does not.
 */
static char *other_release(struct ka_finder *f, struct ka_object *o)
{
	const char *release = f->r->release, *says = NULL;
	char *why = NULL;

	if (!release)
		return NULL;
	if (f->module) {
		const struct ka_section *s = ka_object_section(o, ".modinfo");
		const uint8_t *p;
		size_t size;

		if (s && !ka_error_drop(ka_object_content(o, s, &p, &size))) {
			says = memmem(p, size, "vermagic=", 9);
			if (says && memchr(says, 0, size - (size_t)(says - (const char *)p)))
				says += 9;
			else
				says = NULL;
		}
	} else {
		says = ka_object_banner(o);
		if (says)
			says += strlen("Linux version ");
		else
			return ka_xstrdup("no kernel (there is no \"Linux version\" in it)");
	}
	if (says) {
		size_t n = strcspn(says, " ");

		if (n != strlen(release) || strncmp(says, release, n))
			why = ka_xprintf("of another kernel, %.*s", (int)KA_MIN(n, (size_t)64), says);
	}
	return why;
}

static char *other_build_id(struct ka_finder *f, const struct ka_object *o)
{
	char is[129];

	if (o->build_id_size == f->build_id_size && !memcmp(o->build_id, f->build_id, f->build_id_size))
		return NULL;
	ka_build_id_text(o->build_id, o->build_id_size, is);
	return ka_xprintf("of another build, build-id %s", is);
}

bool ka_finder_try_file(struct ka_finder *f, const char *path)
{
	struct ka_object *o = NULL;
	struct stat st;
	char *why = NULL;

	if (f->found || f->stop)
		return true;
	if (stat(path, &st) || S_ISDIR(st.st_mode) || is_seen(f, &st))
		return false;
	struct ka_error *err = ka_object_open(path, &o);

	if (err && err->code == KA_INTERRUPTED) {
		f->stop = err;
		return true;
	}
	if (err) {
		reject(f, path, err->message);
		ka_error_free(err);
		return false;
	}
	if (f->build_id_size && o->build_id_size)
		why = other_build_id(f, o);
	else
		why = other_release(f, o);
	if (!why && !f->module) {
		const struct ka_symtab *t;

		err = ka_object_symtab(o, &t);
		if (err)
			why = ka_xstrdup(err->message);
		ka_error_free(err);
	}
	if (why) {
		reject(f, path, why);
		free(why);
		ka_object_close(o);
		return false;
	}
	if (ka_object_debug(o, NULL)) {
		ka_log(1, "found %s", path);
		f->found = o;
		return true;
	}
	ka_log(1, "%s: fits, but has no DWARF", path);
	if (f->thin)
		ka_object_close(o);
	else
		f->thin = o;
	return false;
}

bool ka_finder_try(struct ka_finder *f, char *path)
{
	bool is_done = false;

	for (size_t i = 0; i < KA_COUNT(suffixes) && !is_done; i++) {
		char *full = ka_xprintf("%s%s", path, suffixes[i]);

		is_done = ka_finder_try_file(f, full);
		free(full);
	}
	free(path);
	return is_done;
}

bool ka_finder_try_build_id(struct ka_finder *f, const char *dir)
{
	char id[129];
	bool is_done = false;

	if (f->build_id_size < 2)
		return false;
	ka_build_id_text(f->build_id, f->build_id_size, id);
	for (int sub = 0; sub < 2 && !is_done; sub++) {
		char *path = ka_xprintf("%s%s/.build-id/%.2s/%s.debug", dir, sub ? "/usr/lib/debug" : "", id, id + 2);

		is_done = ka_finder_try_file(f, path);
		free(path);
	}
	return is_done;
}

void ka_finder_add_root(struct ka_finder *f, const char *dir)
{
	struct stat st;

	ka_str_printf(&f->roots, "%s%s%s", f->roots.len ? ", " : "", *dir ? dir : "/",
		      stat(*dir ? dir : "/", &st) ? " (not there)" : "");
}

struct ka_error *ka_finder_end(struct ka_finder *f, const char *what, const char *places, const char *hint,
			       struct ka_object **ret)
{
	struct ka_error *err = f->stop;
	char id[129];

	*ret = f->found ? f->found : f->thin;
	if (f->found && f->thin)
		ka_object_close(f->thin);
	if (err && *ret) {
		ka_object_close(*ret);
		*ret = NULL;
	}
	if (!*ret && !err) {
		ka_build_id_text(f->build_id, f->build_id_size, id);
		struct ka_str s = { 0 };

		ka_str_printf(&s, "no %s", what);
		if (f->r->release)
			ka_str_printf(&s, " of %s", f->r->release);
		if (f->build_id_size)
			ka_str_printf(&s, " (build-id %s)", id);
		ka_str_add(&s, " found");
		if (f->rejected.len)
			ka_str_printf(&s, "; these do not fit:%s", f->rejected.p);
		if (f->roots.len)
			ka_str_printf(&s, "\n  looked below %s for %s", f->roots.p, places);
		if (hint)
			ka_str_printf(&s, "\n  where it is: %s", hint);
		err = ka_error_new(KA_NOT_FOUND, "%s", s.p);
		ka_str_free(&s);
	}
	ka_str_free(&f->roots);
	ka_str_free(&f->rejected);
	ka_vec_free(&f->seen);
	return err;
}

/* ---- vmlinux ---- */

/* Below a root. */
static const char *const shapes[] = {
	"/usr/lib/debug/lib/modules/%s/vmlinux",	/* Fedora, RHEL, Debian 13 */
	"/usr/lib/debug/boot/vmlinux-%s",		/* Debian, Ubuntu, SUSE (.debug) */
	"/usr/lib/debug/usr/lib/modules/%s/vmlinux",	/* SUSE since usrmerge (.debug) */
	"/lib/modules/%s/build/vmlinux",		/* own builds, Arch's headers */
	"/usr/lib/modules/%s/build/vmlinux",
	"/lib/modules/%s/vmlinux",
	"/usr/lib/modules/%s/vmlinux",
	"/boot/vmlinux-%s",
	"/usr/lib/debug/vmlinux-%s",
	"/usr/src/linux-%s/vmlinux",
};

/* The shapes below a root: "" is the system's, others are --debug-dir or the dump's directory. */
static bool try_root(struct ka_finder *f, const char *root)
{
	const char *release = f->r->release;

	for (size_t i = 0; release && i < KA_COUNT(shapes); i++) {
		const char *mark = strstr(shapes[i], "%s");

		if (ka_finder_try(
			    f, ka_xprintf("%s%.*s%s%s", root, (int)(mark - shapes[i]), shapes[i], release, mark + 2)))
			return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Files called vmlinux* right in a directory; vmlinuz is told about if nothing better comes. */
static bool try_directory(struct ka_finder *f, const char *dir)
{
	struct { KA_VEC(char *); } names = { 0 };
	DIR *d = opendir(dir);
	struct dirent *e;
	bool is_done = false;

	for (int i = 0; d && i < DIR_ENTRIES_MAX && (e = readdir(d)); i++)
		if (!strncmp(e->d_name, "vmlinu", 6))
			ka_vec_push(&names, ka_xstrdup(e->d_name));
	if (d)
		closedir(d);
	if (names.n)
		qsort(names.at, names.n, sizeof(*names.at), compare_names);
	for (size_t i = 0; i < names.n; i++) {
		char *path = ka_xprintf("%s/%s", dir, names.at[i]);

		is_done = is_done || ka_finder_try_file(f, path);
		free(path);
		free(names.at[i]);
	}
	ka_vec_free(&names);
	return is_done;
}

/* A directory that the user named, or the dump's: may be a root, a copy of /usr/lib/debug, or just hold the file. */
static bool try_named(struct ka_finder *f, const char *dir)
{
	const char *release = f->r->release;
	struct stat st;

	ka_finder_add_root(f, dir);
	if (!stat(dir, &st) && S_ISREG(st.st_mode))
		return ka_finder_try_file(f, dir);
	return ka_finder_try_build_id(f, dir) ||
	       (release && (ka_finder_try(f, ka_xprintf("%s/vmlinux-%s", dir, release)) ||
			    ka_finder_try(f, ka_xprintf("%s/%s/vmlinux", dir, release)) ||
			    ka_finder_try(f, ka_xprintf("%s/boot/vmlinux-%s", dir, release)))) ||
	       ka_finder_try(f, ka_xprintf("%s/vmlinux", dir)) || try_root(f, dir) || try_directory(f, dir);
}

/* What debuginfod-find or gdb fetched before; nothing is fetched here. */
static bool try_debuginfod_cache(struct ka_finder *f)
{
	const char *cache = getenv("DEBUGINFOD_CACHE_PATH"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	char *dir = cache ? ka_xstrdup(cache) : xdg ? ka_xprintf("%s/debuginfod_client", xdg)
				: home ? ka_xprintf("%s/.cache/debuginfod_client", home) : NULL;
	char id[129];
	bool is_done = false;

	if (dir && f->build_id_size) {
		ka_build_id_text(f->build_id, f->build_id_size, id);
		char *path = ka_xprintf("%s/%s/debuginfo", dir, id);

		is_done = ka_finder_try_file(f, path);
		free(path);
	}
	free(dir);
	return is_done;
}

/* For the message: what is looked for below each root. */
static const char *places_text(const struct ka_finder *f, struct ka_arena *a)
{
	struct ka_str s = { 0 };
	char id[129];

	if (f->build_id_size >= 2) {
		ka_build_id_text(f->build_id, f->build_id_size, id);
		ka_str_printf(&s, "[usr/lib/debug/].build-id/%.2s/%s.debug, ", id, id + 2);
	}
	for (size_t i = 0; f->r->release && i < KA_COUNT(shapes); i++) {
		const char *mark = strstr(shapes[i], "%s");

		ka_str_addn(&s, shapes[i] + 1, (size_t)(mark - shapes[i] - 1));
		ka_str_printf(&s, "%s%s, ", f->r->release, mark + 2);
	}
	ka_str_add(&s, "vmlinux* right there; each also with .debug, .gz, .xz, .zst");
	const char *text = ka_strdup(a, s.p);

	ka_str_free(&s);
	return text;
}

struct ka_error *ka_find_vmlinux(const struct ka_find_request *r, struct ka_object **ret)
{
	struct ka_finder f = { .r = r, .build_id = r->build_id, .build_id_size = r->build_id_size };
	struct ka_find_request checked = *r;
	struct ka_arena *a = ka_arena_new();
	bool is_done = false;

	/* out of a dump: it becomes part of paths */
	if (r->release && (!*r->release || strchr(r->release, '/') || strlen(r->release) > 64))
		checked.release = NULL;
	f.r = &checked;
	for (size_t i = 0; r->debug_dirs && r->debug_dirs[i] && !is_done; i++)
		is_done = try_named(&f, r->debug_dirs[i]);
	if (!is_done)
		ka_finder_add_root(&f, "");
	is_done = is_done || ka_finder_try_build_id(&f, "") || try_root(&f, "");
	if (!is_done && r->dump_dir)
		is_done = try_named(&f, r->dump_dir);
	if (!is_done)
		try_debuginfod_cache(&f);
	struct ka_error *err = ka_finder_end(&f, "vmlinux", places_text(&f, a), ka_find_hint(checked.release, a), ret);

	ka_arena_free(a);
	return err;
}
