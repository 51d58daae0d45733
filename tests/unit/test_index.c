/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The index of names: found again from its bytes and its file; damaged, foreign and untrusted files are not used. */
#include <sys/stat.h>
#include <unistd.h>
#include "check.h"
#include "index_file.h"

static const struct ka_index_key key = { .build_id = { 1, 2, 3, 0xfe }, .build_id_size = 20, .info_size = 123456 };
static const char *const names[] = { "jiffies", "init_task", "a", "list_head", "twins" };

static struct ka_index make(void)
{
	struct ka_index_builder b = {0};
	struct ka_index x;

	for (uint32_t i = 0; i < KA_COUNT(names); i++)
		ka_index_add(&b, i & 1, 1000 - i * 7, names[i], i + 10, i);
	/* another of the same name, and another name of the same hash */
	ka_index_add(&b, 0, 1000 - 4 * 7, names[4], 99, 5);
	ka_index_add(&b, 0, 1000, "collision", 77, 0);
	ka_index_add_unit(&b, 0, "kernel/fork.c", "/build", true, 0x1234);
	ka_index_add_unit(&b, 50, NULL, NULL, false, 0);
	ka_index_finish(&b, &key, &x);
	return x;
}

static uint32_t first(const struct ka_index *x, unsigned space, uint32_t hash, const char *name)
{
	size_t pos = 0;
	const struct ka_index_entry *e = ka_index_next(x, space, hash, name, &pos);

	return e ? e->id : 0;
}

static void check_content(const struct ka_index *x)
{
	const struct ka_index_entry *e;
	size_t pos = 0;

	for (uint32_t i = 0; i < KA_COUNT(names); i++) {
		CHECK_INT(first(x, i & 1, 1000 - i * 7, names[i]), i + 10);
		CHECK_INT(first(x, !(i & 1), 1000 - i * 7, names[i]), 0);
	}
	CHECK_INT(first(x, 0, 1000, "collision"), 77);
	CHECK_INT(first(x, 0, 1000, "nosuch"), 0);
	CHECK_INT(first(x, 0, 5, "nosuch"), 0);
	CHECK_INT(first(x, 0, 5000, "nosuch"), 0);
	e = ka_index_next(x, 0, 1000 - 4 * 7, "twins", &pos);
	CHECK(e && e->id == 14);
	e = ka_index_next(x, 0, 1000 - 4 * 7, "twins", &pos);
	CHECK(e && e->id == 99);
	CHECK(!ka_index_next(x, 0, 1000 - 4 * 7, "twins", &pos));
	CHECK_STR(ka_index_string(x, ka_index_unit_of(x, 49)->name), "kernel/fork.c");
	CHECK_STR(ka_index_string(x, ka_index_unit_of(x, 49)->comp_dir), "/build");
	CHECK_INT(ka_index_unit_of(x, 49)->stmt_list, 0x1234);
	CHECK_STR(ka_index_string(x, ka_index_unit_of(x, 50)->name), "");
	CHECK_STR(ka_index_string(x, 0xffffffff), "");
}

/* The code of what is wrong with these bytes; -1: nothing. */
static int code_of(const uint8_t *bytes, size_t size, const struct ka_index_key *k)
{
	uint8_t *copy = ka_xalloc(size + 1);
	struct ka_index x;
	struct ka_error *err;
	int code = -1;

	memcpy(copy, bytes, size);
	err = ka_index_open(copy, size, k, &x);
	if (err) {
		code = err->code;
		ka_error_free(err);
		free(copy);
	} else {
		ka_index_free(&x);
	}
	return code;
}

static void test_bytes(void)
{
	struct ka_index x = make(), y;
	struct ka_index_key other = key;
	uint8_t *copy = ka_xalloc(x.size);

	check_content(&x);
	memcpy(copy, x.bytes, x.size);
	CHECK(!ka_error_drop(ka_index_open(copy, x.size, &key, &y)));
	check_content(&y);
	ka_index_free(&y);
	/* any byte that differs, any size */
	for (size_t i = 0; i < x.size; i++) {
		x.bytes[i] ^= 1 << (i & 7);
		CHECK(code_of(x.bytes, x.size, &key) >= 0);
		x.bytes[i] ^= 1 << (i & 7);
	}
	for (size_t n = 0; n < x.size; n++)
		CHECK(code_of(x.bytes, n, &key) >= 0);
	CHECK_INT(code_of(x.bytes, x.size, &key), -1);
	other.build_id[19]++;
	CHECK_INT(code_of(x.bytes, x.size, &other), KA_NOT_FOUND);
	other = key;
	other.info_size++;
	CHECK_INT(code_of(x.bytes, x.size, &other), KA_NOT_FOUND);
	other = key;
	other.build_id_size = 16;
	CHECK_INT(code_of(x.bytes, x.size, &other), KA_NOT_FOUND);
	x.bytes[0] = 'K';
	CHECK_INT(code_of(x.bytes, x.size, &key), KA_FORMAT);
	x.bytes[0] = 'k';
	/* a sealed file with counts that lie */
	x.bytes[44] ^= 1;
	ka_index_seal(x.bytes, x.size);
	CHECK_INT(code_of(x.bytes, x.size, &key), KA_CORRUPT);
	ka_index_free(&x);
}

static void write_file(const char *path, const void *bytes, size_t size)
{
	FILE *f = fopen(path, "w");

	CHECK(f && fwrite(bytes, 1, size, f) == size);
	if (f)
		fclose(f);
}

static bool loads(const char *path)
{
	struct ka_index x;

	if (!ka_index_load(path, &key, &x))
		return false;
	check_content(&x);
	ka_index_free(&x);
	return true;
}

static void test_file(void)
{
	char dir[] = "/tmp/ka-index-XXXXXX", *path, *link;
	struct ka_index x = make();
	struct ka_index_key none = { .build_id_size = 0 };
	struct stat st;

	CHECK(mkdtemp(dir));
	setenv("XDG_CACHE_HOME", dir, 1);
	path = ka_index_path(&key);
	CHECK(path && strstr(path, "/kanalyze/010203fe00"));
	if (!path)
		return;
	CHECK(!ka_index_path(&none));
	CHECK(!loads(path));
	ka_index_save(path, &x);
	CHECK(loads(path));
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0600);
	/* again, over the old one */
	ka_index_save(path, &x);
	CHECK(loads(path));
	x.bytes[200] ^= 1;
	write_file(path, x.bytes, x.size);
	x.bytes[200] ^= 1;
	CHECK(!loads(path));
	write_file(path, x.bytes, x.size / 2);
	CHECK(!loads(path));
	write_file(path, "", 0);
	CHECK(!loads(path));
	write_file(path, x.bytes, x.size);
	CHECK(loads(path));
	CHECK(!chmod(path, 0666));
	CHECK(!loads(path));
	CHECK(!chmod(path, 0600));
	if (!geteuid()) {
		CHECK(!chown(path, 1, 1));
		CHECK(!loads(path));
		CHECK(!chown(path, 0, 0));
	}
	link = ka_xprintf("%s.link", path);
	CHECK(!symlink(path, link));
	CHECK(!loads(link));
	unlink(link);
	CHECK(!mkfifo(link, 0600));
	CHECK(!loads(link));
	unlink(link);
	CHECK(!mkdir(link, 0700));
	CHECK(!loads(link));
	rmdir(link);
	unlink(path);
	/* a directory that others may write to is no place */
	*strrchr(path, '/') = 0;
	CHECK(!chmod(path, 0777));
	free(link);
	link = ka_index_path(&key);
	ka_index_save(link, &x);
	CHECK(!loads(link));
	CHECK(!rmdir(path));
	/* nor is one below a file */
	write_file(path, "x", 1);
	ka_index_save(link, &x);
	CHECK(!loads(link));
	unlink(path);
	free(link);
	free(path);
	CHECK(!rmdir(dir));
	/* relative ones are ignored, and without a home there is no place */
	setenv("XDG_CACHE_HOME", "relative", 1);
	setenv("HOME", "/nonexistent", 1);
	path = ka_index_path(&key);
	CHECK(path && !strncmp(path, "/nonexistent/.cache/kanalyze/", 29));
	ka_index_save(path, &x);
	free(path);
	unsetenv("HOME");
	CHECK(!ka_index_path(&key));
	ka_index_free(&x);
}

CHECK_MAIN
{
	test_bytes();
	test_file();
}
