/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: mapped, or read by pread where it cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include "flat.h"

static struct ka_error *refuse(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return ka_error_new(KA_FORMAT, "%s is a directory", path);
	if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode))
		return ka_error_new(KA_UNSUPPORTED, "%s is a pipe: a dump is read here and there, so it must be a file. Save it first: cat %s > vmcore "
				    "(as large as the dump that comes out of it)", path, strcmp(path, "/dev/stdin") ? path : "");
	if (S_ISCHR(st->st_mode))
		return ka_error_new(KA_UNSUPPORTED, "%s is a character device, which is not read; the running kernel is in /proc/kcore", path);
	if (S_ISREG(st->st_mode) && !st->st_size)
		return ka_error_new(KA_TRUNCATED, "%s is empty", path);
	return NULL;
}

/* /proc/kcore by whatever name it was opened. */
static bool is_kcore(int fd)
{
	struct statfs fs;
	char link[32], name[64];
	ssize_t n;

	if (fstatfs(fd, &fs) || fs.f_type != PROC_SUPER_MAGIC)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name) - 1);
	if (n <= 0)
		return false;
	name[n] = 0;
	return n >= 6 && !strcmp(name + n - 6, "/kcore");
}

static struct ka_error *open_plain(const char *path, struct ka_file **ret)
{
	struct ka_error *err;
	struct stat st;
	struct ka_file *f;
	int fd;

	if (!strcmp(path, "-"))
		path = "/dev/stdin";
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return ka_error_new(KA_IO, "cannot open %s: %s", path, strerror(errno));
	if (fstat(fd, &st) < 0)
		err = ka_error_new(KA_IO, "cannot stat %s: %s", path, strerror(errno));
	else
		err = refuse(path, &st);
	if (err) {
		close(fd);
		return err;
	}
	f = ka_xalloc(sizeof(*f));
	f->path = ka_xstrdup(path);
	f->fd = fd;
	f->size = (uint64_t)st.st_size;
	f->is_live = is_kcore(fd);
	if (f->is_live)
		f->size = INT64_MAX;	/* it grows with the machine's memory */
	if (S_ISBLK(st.st_mode)) {
		off_t end = lseek(fd, 0, SEEK_END);

		f->size = end > 0 ? (uint64_t)end : 0;
	}
	if (S_ISREG(st.st_mode) && !f->is_live) {
		void *map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);

		f->map = map == MAP_FAILED ? NULL : map;
		if (f->map)
			ka_guard_add(f->map, f->size, &f->is_map_broken);
	}
	f->raw_size = f->size;
	f->raw_map = f->map;
	*ret = f;
	return NULL;
}

struct ka_error *ka_file_open(const char *path, struct ka_file **ret)
{
	struct ka_file *f;
	struct ka_error *err = open_plain(path, &f);

	if (err)
		return err;
	err = f->is_live ? NULL : ka_packed_refuse(f);
	if (!err && !f->is_live && ka_flat_probe(f)) {
		/* reads go through the index from now on */
		err = ka_flat_open(f);
		f->map = NULL;
	}
	if (err) {
		ka_file_close(f);
		return err;
	}
	*ret = f;
	return NULL;
}

struct ka_error *ka_file_open_raw(const char *path, uint64_t phys, struct ka_file **ret)
{
	struct ka_error *err = open_plain(path, ret);

	if (err)
		return err;
	if ((*ret)->is_live || phys + ((*ret)->size - 1) < phys) {
		err = ka_error_new(KA_USAGE, "%s is no memory image from 0x%" PRIx64 " on", path, phys);
		ka_file_close(*ret);
		*ret = NULL;
		return err;
	}
	(*ret)->is_raw = true;
	(*ret)->raw_phys = phys;
	return NULL;
}

void ka_file_close(struct ka_file *f)
{
	if (!f)
		return;
	if (f->raw_map)
		ka_guard_remove(f->raw_map);
	if (f->raw_map)
		munmap((void *)f->raw_map, f->raw_size);
	ka_flat_close(f->flat);
	close(f->fd);
	free(f->path);
	free(f);
}

struct ka_error *ka_file_read(const struct ka_file *f, uint64_t offset, void *ret, size_t size)
{
	if (!f->flat)
		return ka_file_read_raw(f, offset, ret, size);
	if (offset > f->size || size > f->size - offset)
		return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, offset, "%s ends at 0x%" PRIx64 " of the dump that it makes, 0x%" PRIx64
				   " bytes before the end of what is wanted", f->path, f->size, offset + size - f->size);
	return ka_flat_read(f, offset, ret, size);
}

struct ka_error *ka_file_read_raw(const struct ka_file *f, uint64_t offset, void *ret, size_t size)
{
	if (offset > f->raw_size || size > f->raw_size - offset)
		return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, offset, "%s ends at 0x%" PRIx64 ", 0x%" PRIx64 " bytes before the end of what is wanted",
				   f->path, f->raw_size, offset + size - f->raw_size);
	if (f->raw_map && !ka_file_is_broken(f)) {
		memcpy(ret, f->raw_map + offset, size);
		if (!ka_file_is_broken(f))
			return NULL;
	}
	while (size) {
		ssize_t n = pread(f->fd, ret, size, (off_t)offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ka_error_at(KA_IO, KA_SPACE_FILE, offset, "cannot read %s at 0x%" PRIx64 ": %s", f->path, offset, strerror(errno));
		if (n == 0)
			return ka_error_at(KA_TRUNCATED, KA_SPACE_FILE, offset, "%s ended before 0x%" PRIx64 " when it was read: it has shrunk since it was opened",
					   f->path, offset);
		ret = (uint8_t *)ret + n;
		offset += (uint64_t)n;
		size -= (size_t)n;
	}
	return NULL;
}
