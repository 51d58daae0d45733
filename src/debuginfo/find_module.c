/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The object file of a module, with debug information if there is one: by build-id, else by name below
 * lib/modules/RELEASE.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include "find.h"

#define WALK_MAX	400000	/* files looked at in one tree */
#define WALK_DEPTH	16
#define ROOTS_MAX	16	/* directories above vmlinux */

/* "nf_conntrack" is nf-conntrack.ko, .ko.xz, .ko.debug, .ko.debug.xz ... */
static bool is_module_file(const char *file, const char *module)
{
	static const char *const ends[] = { "", ".debug", ".gz", ".xz", ".zst", ".debug.gz", ".debug.xz", ".debug.zst" };
	size_t i;

	for (i = 0; module[i]; i++)
		if (file[i] != module[i] && !(file[i] == '-' && module[i] == '_'))
			return false;
	if (strncmp(file + i, ".ko", 3))
		return false;
	for (size_t n = 0; n < KA_COUNT(ends); n++)
		if (!strcmp(file + i + 3, ends[n]))
			return true;
	return false;
}

struct walk {
	struct ka_finder *f;
	size_t left;
};

/* Of file systems that do not say it in the entry. */
static bool is_directory(DIR *d, const char *name)
{
	struct stat st;

	return !fstatat(dirfd(d), name, &st, AT_SYMLINK_NOFOLLOW) && S_ISDIR(st.st_mode);
}

static bool walk_tree(struct walk *w, const char *dir, unsigned depth)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	bool is_done = false;

	while (d && !is_done && (e = readdir(d))) {
		char *path;

		if (e->d_name[0] == '.' || !w->left || ka_interrupted())
			continue;
		w->left--;
		if (e->d_type == DT_UNKNOWN ? is_directory(d, e->d_name) : e->d_type == DT_DIR) {
			/* links are not followed: build and source would lead far away */
			if (depth >= WALK_DEPTH)
				continue;
			path = ka_xprintf("%s/%s", dir, e->d_name);
			is_done = walk_tree(w, path, depth + 1);
			free(path);
		} else if (is_module_file(e->d_name, w->f->module)) {
			path = ka_xprintf("%s/%s", dir, e->d_name);
			is_done = ka_finder_try_file(w->f, path);
			free(path);
		}
	}
	if (d)
		closedir(d);
	return is_done;
}

static bool try_tree(struct ka_finder *f, const char *dir, unsigned depth)
{
	struct walk w = { .f = f, .left = WALK_MAX };

	return walk_tree(&w, dir, depth);
}

/* A tree that the kernel was built in: modules.order names all modules, which saves looking through 10^5 files. */
static bool try_build_tree(struct ka_finder *f, const char *dir)
{
	char *path = ka_xprintf("%s/modules.order", dir), line[1024];
	FILE *in = fopen(path, "re");
	bool is_done = false;

	free(path);
	while (in && !is_done && fgets(line, sizeof(line), in)) {
		line[strcspn(line, "\n")] = 0;
		char *name = strrchr(line, '/'), *end = strrchr(line, '.');

		name = name ? name + 1 : line;
		if (!end || end < name || strstr(line, ".."))
			continue;
		if (end + 4 > line + sizeof(line))
			continue;
		strcpy(end, ".ko");	/* it says .o since 6.2 */
		if (!is_module_file(name, f->module))
			continue;
		/* up to 5.2 with "kernel/" before it, as it will be installed */
		path = ka_xprintf("%s/%s", dir, !strncmp(line, "kernel/", 7) && strchr(line + 7, '/') ? line + 7 : line);
		is_done = ka_finder_try_file(f, path);
		free(path);
		if (!is_done) {
			path = ka_xprintf("%s/%s", dir, line);
			is_done = ka_finder_try_file(f, path);
			free(path);
		}
	}
	if (in)
		fclose(in);
	return is_done;
}

/*
 * Below a root: where packages put debug files first, then what runs (stripped, but perhaps with a link to its
 * debug file).
 */
static bool try_root(struct ka_finder *f, const char *root)
{
	static const char *const places[] = {
		"usr/lib/debug/lib/modules", "usr/lib/debug/usr/lib/modules", "lib/modules", "usr/lib/modules",
	};
	bool is_done = false;

	for (size_t i = 0; f->r->release && i < KA_COUNT(places) && !is_done; i++) {
		char *dir = ka_xprintf("%s/%s/%s", root, places[i], f->r->release);

		is_done = try_tree(f, dir, 0);
		free(dir);
	}
	return is_done;
}

/* Files right in a directory, or in its "modules" or in directories of the release's name. */
static bool try_flat(struct ka_finder *f, const char *dir)
{
	char *modules = ka_xprintf("%s/modules", dir);
	bool is_done = try_tree(f, dir, WALK_DEPTH) || try_tree(f, modules, 0);

	free(modules);
	if (!is_done && f->r->release) {
		char *release = ka_xprintf("%s/%s", dir, f->r->release);

		is_done = try_tree(f, release, 0);
		free(release);
	}
	return is_done;
}

/* Above /x/usr/lib/debug/boot/vmlinux-REL lies the root that the packages were unpacked in. */
static bool try_around(struct ka_finder *f, const char *vmlinux_path, bool (*by)(struct ka_finder *f, const char *dir))
{
	char *dir = realpath(vmlinux_path, NULL);
	bool is_done = false;

	for (int i = 0; dir && i < ROOTS_MAX && !is_done; i++) {
		char *slash = strrchr(dir, '/');

		if (!slash || slash == dir)
			break;
		*slash = 0;
		is_done = by(f, dir);
	}
	free(dir);
	return is_done;
}

static bool try_beside(struct ka_finder *f, const char *vmlinux_path)
{
	char *dir = realpath(vmlinux_path, NULL), *slash = dir ? strrchr(dir, '/') : NULL;
	bool is_done = false;

	if (slash && slash != dir) {
		*slash = 0;
		is_done = try_build_tree(f, dir) || try_flat(f, dir);
		/* /usr/lib/debug/lib/modules/REL/vmlinux: modules below it */
		if (!is_done && f->r->release && (slash = strrchr(dir, '/')) && !strcmp(slash + 1, f->r->release))
			is_done = try_tree(f, dir, 0);
	}
	free(dir);
	return is_done;
}

struct ka_error *ka_find_module(const struct ka_find_request *r, const char *vmlinux_path, const char *name,
				const uint8_t *build_id, size_t build_id_size, struct ka_object **ret)
{
	struct ka_find_request checked = *r;
	struct ka_finder f = { .r = &checked, .build_id = build_id, .build_id_size = build_id_size, .module = name };
	bool is_done = false;

	*ret = NULL;
	if (!*name || strchr(name, '/') || strlen(name) > 64)
		return ka_error_new(KA_NOT_FOUND, "no module can have the name '%.64s'", name);
	if (r->release && (!*r->release || strchr(r->release, '/') || strlen(r->release) > 64))
		checked.release = NULL;

	for (size_t i = 0; r->debug_dirs && r->debug_dirs[i] && !is_done; i++)
		is_done = ka_finder_try_build_id(&f, r->debug_dirs[i]);
	if (!is_done && vmlinux_path)
		is_done = try_around(&f, vmlinux_path, ka_finder_try_build_id);
	is_done = is_done || ka_finder_try_build_id(&f, "") || (r->dump_dir && ka_finder_try_build_id(&f, r->dump_dir));

	for (size_t i = 0; r->debug_dirs && r->debug_dirs[i] && !is_done; i++)
		is_done = try_flat(&f, r->debug_dirs[i]) || try_root(&f, r->debug_dirs[i]);
	is_done = is_done || (vmlinux_path && try_beside(&f, vmlinux_path)) ||
		  (r->dump_dir && try_flat(&f, r->dump_dir)) ||
		  (vmlinux_path && try_around(&f, vmlinux_path, try_root)) ||
		  (r->dump_dir && try_root(&f, r->dump_dir));
	if (!is_done)
		try_root(&f, "");
	char *what = ka_xprintf("debug file of module %s", name);
	struct ka_error *err = ka_finder_end(&f, what, NULL, NULL, ret);

	free(what);
	return err;
}
