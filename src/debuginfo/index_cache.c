/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where an index is kept between runs, and why a file there may not be trusted. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>
#include "index_file.h"

#define FILE_MAX_ (1u << 30)

char *ka_index_path(const struct ka_index_key *key)
{
	const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	struct ka_str s = { 0 };

	if (!key->build_id_size || key->build_id_size > sizeof(key->build_id))
		return NULL;
	/* a relative one is to be ignored, its specification says */
	if (xdg && xdg[0] == '/')
		ka_str_printf(&s, "%s/kanalyze/", xdg);
	else if (home && home[0] == '/')
		ka_str_printf(&s, "%s/.cache/kanalyze/", home);
	else
		return NULL;
	for (uint32_t i = 0; i < key->build_id_size; i++)
		ka_str_printf(&s, "%02x", key->build_id[i]);
	return s.p;
}

static bool is_ours(const struct stat *st)
{
	return st->st_uid == geteuid() && !(st->st_mode & (S_IWGRP | S_IWOTH));
}

/* All bytes, or NULL. */
static uint8_t *read_all(int fd, size_t size)
{
	uint8_t *bytes = ka_xalloc(size + 1);

	for (size_t at = 0; at < size; ) {
		ssize_t n = read(fd, bytes + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			free(bytes);
			return NULL;
		}
		at += (size_t)n;
	}
	return bytes;
}

bool ka_index_load(const char *path, const struct ka_index_key *key, struct ka_index *ret)
{
	/* O_NONBLOCK: a FIFO in its place must not hang */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	struct ka_error *err = NULL;
	uint8_t *bytes = NULL;
	struct stat st;

	if (fd < 0) {
		if (errno != ENOENT)
			ka_log(1, "index %s: %s", path, strerror(errno));
		return false;
	}
	if (fstat(fd, &st))
		err = ka_error_new(KA_IO, "%s", strerror(errno));
	else if (!S_ISREG(st.st_mode) || !is_ours(&st))
		err = ka_error_new(KA_IO, "it is no plain file of this user's alone");
	else if (st.st_size <= 0 || st.st_size > FILE_MAX_)
		err = ka_error_new(KA_FORMAT, "%lld bytes are no size for an index", (long long)st.st_size);
	else if (!(bytes = read_all(fd, (size_t)st.st_size)))
		err = ka_error_new(KA_IO, "it cannot be read");
	if (!err)
		err = ka_index_open(bytes, (size_t)st.st_size, key, ret);
	close(fd);
	if (!err) {
		ka_log(1, "index %s: %u names", path, ret->entry_count);
		return true;
	}
	free(bytes);
	ka_log(1, "index %s is not used: %s", path, err->message);
	ka_error_free(err);
	return false;
}

/* The directories above the file, as far as they are missing; 0700, as the specification says. */
static bool make_dirs(const char *path)
{
	char *dir = ka_xstrdup(path), *slash = strrchr(dir, '/'), *upper;
	struct stat st;
	bool ok;

	*slash = 0;
	upper = strrchr(dir, '/');
	if (upper && upper > dir) {
		*upper = 0;
		if (mkdir(dir, 0700) && errno != EEXIST)
			ka_log(1, "%s: %s", dir, strerror(errno));
		*upper = '/';
	}
	ok = !mkdir(dir, 0700) || errno == EEXIST;
	/* "sudo" with the user's HOME must leave nothing of root's in there */
	ok = ok && !lstat(dir, &st) && S_ISDIR(st.st_mode) && is_ours(&st);
	if (!ok)
		ka_log(1, "%s: no directory of this user's to keep an index in", dir);
	free(dir);
	return ok;
}

static bool write_all(int fd, const uint8_t *p, size_t size)
{
	while (size) {
		ssize_t n = write(fd, p, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		size -= (size_t)n;
	}
	return true;
}

void ka_index_save(const char *path, const struct ka_index *x)
{
	char *temporary;
	bool ok;
	int fd;

	if (!make_dirs(path))
		return;
	temporary = ka_xprintf("%s.XXXXXX", path);
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0) {
		ka_log(1, "index %s: %s", temporary, strerror(errno));
		free(temporary);
		return;
	}
	ok = write_all(fd, x->bytes, x->size);
	ok = !close(fd) && ok && !rename(temporary, path);
	if (!ok) {
		ka_log(1, "index %s cannot be written: %s", path, strerror(errno));
		unlink(temporary);
	} else {
		ka_log(2, "index %s: %zu bytes written", path, x->size);
	}
	free(temporary);
}
