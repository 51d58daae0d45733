/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A dump file: mapped, or read by pread where it cannot be. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include "flat.h"

static struct ka_error *refuse(const char *path, const struct stat *st)
{
	if (S_ISDIR(st->st_mode))
		return ka_error_new(KA_FORMAT, "%s is a directory", path);
	if (S_ISFIFO(st->st_mode) || S_ISSOCK(st->st_mode) || S_ISCHR(st->st_mode))
		return ka_error_new(KA_UNSUPPORTED, "%s is a pipe or device: a dump is read here and there, so it must be a file. "
				    "Save it first: cat > vmcore", path);
	if (S_ISREG(st->st_mode) && !st->st_size)
		return ka_error_new(KA_TRUNCATED, "%s is empty", path);
	return NULL;
}

/* A file compressed as a whole cannot be read here and there. */
static struct ka_error *refuse_packed(const struct ka_file *f)
{
	static const struct { const char *magic; size_t size; const char *name, *tool; } kinds[] = {
		{ "\x1f\x8b", 2, "gzip", "gzip -dk" }, { "\xfd" "7zXZ", 6, "xz", "xz -dk" },
		{ "\x28\xb5\x2f\xfd", 4, "zstd", "zstd -d" }, { "BZh", 3, "bzip2", "bzip2 -dk" },
		{ "\x04\x22\x4d\x18", 4, "lz4", "lz4 -d" },
	};
	uint8_t head[8] = { 0 };

	if (f->size < sizeof(head) || ka_error_drop(ka_file_read(f, 0, head, sizeof(head))))
		return NULL;
	for (size_t i = 0; i < KA_COUNT(kinds); i++) {
		char size[64] = "";
		uint32_t tail;

		if (memcmp(head, kinds[i].magic, kinds[i].size))
			continue;
		/* gzip ends with the size modulo 4 GB */
		if (!i && !ka_error_drop(ka_file_read(f, f->size - 4, &tail, 4)))
			snprintf(size, sizeof(size), " (%u MB unpacked, or 4 GB and more on top)", tail >> 20);
		return ka_error_new(KA_UNSUPPORTED, "%s is compressed as a whole with %s%s: unpack it first: %s %s. "
				    "(makedumpfile -c, -l, -p or -z make a compressed dump that opens as it is.)",
				    f->path, kinds[i].name, size, kinds[i].tool, f->path);
	}
	return NULL;
}

struct ka_error *ka_file_open(const char *path, struct ka_file **ret)
{
	struct ka_error *err;
	struct stat st;
	struct ka_file *f;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

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
	if (S_ISBLK(st.st_mode)) {
		off_t end = lseek(fd, 0, SEEK_END);

		f->size = end > 0 ? (uint64_t)end : 0;
	}
	if (S_ISREG(st.st_mode)) {
		void *map = mmap(NULL, f->size, PROT_READ, MAP_PRIVATE, fd, 0);

		f->map = map == MAP_FAILED ? NULL : map;
		if (f->map)
			ka_guard_add(f->map, f->size, &f->is_map_broken);
	}
	f->raw_size = f->size;
	f->raw_map = f->map;
	err = refuse_packed(f);
	if (!err && ka_flat_probe(f)) {
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
