/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Source files on this machine: where the compiler had them, elsewhere by set src-map, or below the directories of set src. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "dis.h"

#define SOURCE_MAX (16u << 20)

struct source_row {
	uint32_t line;
	const char *text, *mark, *number;
	bool current;
};
static const struct ka_col source_cols[] = {
	KA_COL(source_row, line, KA_UINT, "number of the line"),
	KA_COL(source_row, text, KA_TEXT, "the line"),
	KA_COL(source_row, current, KA_BOOL, "is it the one that the address comes from?"),
	KA_COLF(source_row, mark, KA_TEXT, KA_ONLY_TEXT, "* before that one"),
	KA_COLF(source_row, number, KA_TEXT, KA_ONLY_TEXT, "number as printed"),
};
const struct ka_rows ka_rows_of_source = {
	"source", KA_SHAPE_LINE, NULL, "{mark}{number}\t{text}", source_cols, KA_COUNT(source_cols),
};

static bool try_file(struct ka_call *c, const char *path, struct ka_source_text *ret, struct ka_str *tried)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	size_t have = 0;
	ssize_t n;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size <= SOURCE_MAX) {
		ret->bytes = ka_alloc(c->arena, (size_t)st.st_size + 1);
		while (have < (size_t)st.st_size && (n = read(fd, ret->bytes + have, (size_t)st.st_size - have)) > 0)
			have += (size_t)n;
		close(fd);
		ret->path = ka_strdup(c->arena, path);
		return true;
	}
	if (fd >= 0)
		close(fd);
	if (tried->len < 1000)
		ka_str_printf(tried, "%s%s", tried->len ? ", " : "", path);
	return false;
}

static void split(struct ka_call *c, struct ka_source_text *t)
{
	size_t n = 1;
	char *p = t->bytes;

	for (const char *q = p; *q; q++)
		n += *q == '\n';
	t->lines = ka_alloc(c->arena, (n + 1) * sizeof(*t->lines));
	while (*p) {
		char *end = strchrnul(p, '\n');
		bool is_last = !*end;

		*end = 0;
		t->lines[++t->count] = p;
		p = end + !is_last;
	}
}

/* FROM=TO[:FROM=TO]... */
static bool try_maps(struct ka_call *c, const char *maps, const char *file, struct ka_source_text *ret, struct ka_str *tried)
{
	char *all = ka_strdup(c->arena, maps), *save = NULL;

	for (char *m = strtok_r(all, ":", &save); m; m = strtok_r(NULL, ":", &save)) {
		char *to = strchr(m, '=');
		size_t n = to ? (size_t)(to - m) : 0;

		if (to && n && !strncmp(file, m, n) && (file[n] == '/' || m[n - 1] == '/') &&
		    try_file(c, ka_printf(c->arena, "%s/%s", to + 1, file + n + (file[n] == '/')), ret, tried))
			return true;
	}
	return false;
}

/* Below DIR: the name as the compiler's directory counts it, then with fewer and fewer of its leading directories. */
static bool try_dirs(struct ka_call *c, const char *dirs, const struct ka_source *s, struct ka_source_text *ret, struct ka_str *tried)
{
	char *all = ka_strdup(c->arena, dirs), *save = NULL;

	for (char *d = strtok_r(all, ":", &save); d; d = strtok_r(NULL, ":", &save)) {
		if (s->name && *s->name != '/' && try_file(c, ka_printf(c->arena, "%s/%s", d, s->name), ret, tried))
			return true;
		for (const char *p = s->file; p && *p; p = strchr(p, '/')) {
			p += strspn(p, "/");
			struct ka_str quiet = { .len = 1000 };

			if (try_file(c, ka_printf(c->arena, "%s/%s", d, p), ret, &quiet))
				return true;
		}
	}
	return false;
}

struct ka_error *ka_source_open(struct ka_call *c, const struct ka_source *s, struct ka_source_text *ret)
{
	const char *dirs = ka_call_setting(c, "src"), *maps = ka_call_setting(c, "src-map");
	bool has_dirs = dirs && strcmp(dirs, "none"), has_maps = maps && strcmp(maps, "none");
	struct ka_str tried = {0};
	struct ka_error *err = NULL;

	*ret = (struct ka_source_text){0};
	if ((has_maps && try_maps(c, maps, s->file, ret, &tried)) || (has_dirs && try_dirs(c, dirs, s, ret, &tried)) ||
	    (*s->file == '/' && try_file(c, s->file, ret, &tried)))
		split(c, ret);
	else
		err = ka_error_new(KA_NOT_FOUND, "source code is not available: %s%s%s%s; 'set src DIR' or --src says where sources are",
				   s->file, tried.len ? " (tried " : "", tried.len ? tried.p : "", tried.len ? ")" : "");
	ka_str_free(&tried);
	return err;
}

void ka_source_show(struct ka_call *c, const struct ka_source_text *t, size_t first, size_t last, size_t current)
{
	for (size_t i = KA_MAX(first, (size_t)1); i <= last && i <= t->count; i++) {
		struct source_row row = { .line = (uint32_t)i, .text = t->lines[i], .current = i == current };

		row.mark = !current ? "" : row.current ? "* " : "  ";
		row.number = ka_printf(c->arena, "%zu", i);
		ka_out_row(c->out, &ka_rows_of_source, &row);
	}
}
