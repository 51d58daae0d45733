/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * shape FOLDER [--verbose | --doc | --check FILE]: binds every view of the program to the layouts of every kernel of
 * which FOLDER has a RELEASE.btf.xz, without any dump. Fails when a view that must bind does not, or one that is known
 * not to does. --verbose tells which alternative won for each field, --doc prints doc/KERNELS.md, --check compares with it.
 */
#include <dirent.h>
#include <lzma.h>
#include <stdio.h>
#include "kernel.h"

/* The linker's: all that KA_VIEW() made. */
extern const struct ka_view *const __start_ka_views[], *const __stop_ka_views[];

/*
 * Views that do not bind to some kernels, and why. release "": to none of the kernels at hand; else to those whose
 * release begins so. The reason is printed in the table.
 */
static const struct { const char *view, *release, *reason; } expected[] = {
#include "expected.h"
};

struct sample {
	char *release;
	uint8_t *btf;
	struct ka_kernel kernel;	/* types and views alone: nothing here reads memory */
};

static struct { KA_VEC(struct sample *); } samples;
static struct { KA_VEC(const struct ka_view *); } views;

static struct ka_error *unpack(const char *path, uint8_t **ret, size_t *ret_size)
{
	const size_t max = 64 << 20;
	uint64_t limit = 256 << 20;
	size_t in_at = 0, n;
	FILE *f = fopen(path, "r");
	uint8_t *packed;

	if (!f)
		return ka_error_new(KA_IO, "cannot open %s", path);
	packed = ka_xalloc(max);
	n = fread(packed, 1, max, f);
	fclose(f);
	*ret = ka_xalloc(max);
	*ret_size = 0;
	lzma_ret status = lzma_stream_buffer_decode(&limit, 0, NULL, packed, &in_at, n, *ret, ret_size, max);
	free(packed);
	if (status == LZMA_OK)
		return NULL;
	free(*ret);
	return ka_error_new(KA_CORRUPT, "%s cannot be unpacked: %d", path, status);
}

static struct ka_error *sample_add(const char *folder, const char *name, size_t release_size)
{
	struct sample *s = ka_xalloc(sizeof(*s));
	struct ka_kernel *k = &s->kernel;
	char *path = ka_xprintf("%s/%s", folder, name);
	size_t size;
	struct ka_error *err = unpack(path, &s->btf, &size);

	free(path);
	s->release = ka_xstrndup(name, release_size);
	k->long_size = 8;
	k->has_tried_types = true;
	k->bound = ka_xalloc(KA_BOUND_SLOTS * sizeof(*k->bound));
	pthread_mutex_init(&k->types_lock, NULL);
	if (!err)
		err = ka_types_open_btf(s->btf, size, 8, &k->types);
	ka_vec_push(&samples, s);
	return err;
}

static int by_release(const void *a, const void *b)
{
	return strverscmp((*(struct sample *const *)a)->release, (*(struct sample *const *)b)->release);
}

static int by_name(const void *a, const void *b)
{
	return strcmp((*(const struct ka_view *const *)a)->name, (*(const struct ka_view *const *)b)->name);
}

static struct ka_error *samples_open(const char *folder)
{
	static const char suffix[] = ".btf.xz";
	DIR *d = opendir(folder);
	struct ka_error *err = NULL;

	for (struct dirent *e; d && !err && (e = readdir(d)); ) {
		size_t n = strlen(e->d_name);

		if (n > strlen(suffix) && !strcmp(e->d_name + n - strlen(suffix), suffix))
			err = sample_add(folder, e->d_name, n - strlen(suffix));
	}
	if (d)
		closedir(d);
	if (!err && !samples.n)
		return ka_error_new(KA_NOT_FOUND, "%s has no *.btf.xz", folder);
	if (!err)
		qsort(samples.at, samples.n, sizeof(*samples.at), by_release);
	return err;
}

static void samples_close(void)
{
	for (size_t i = 0; i < samples.n; i++) {
		struct sample *s = samples.at[i];

		ka_views_free(&s->kernel);
		if (s->kernel.types)
			ka_types_close(s->kernel.types);
		pthread_mutex_destroy(&s->kernel.types_lock);
		free(s->release);
		free(s->btf);
		free(s);
	}
	ka_vec_free(&samples);
	ka_vec_free(&views);
}

/* The reason why the view need not bind to the kernel; NULL: it must. */
static const char *excuse(const struct ka_view *v, const char *release)
{
	for (size_t i = 0; i < KA_COUNT(expected); i++)
		if (expected[i].view && !strcmp(expected[i].view, v->name) &&
		    (!release || !strncmp(release, expected[i].release, strlen(expected[i].release))))
			return expected[i].reason;
	return NULL;
}

static unsigned check(void)
{
	unsigned failures = 0, bound = 0;

	for (size_t v = 0; v < views.n; v++) {
		for (size_t i = 0; i < samples.n; i++) {
			const char *release = samples.at[i]->release, *why = excuse(views.at[v], release);
			struct ka_error *err = ka_view_bind(&samples.at[i]->kernel, views.at[v]);

			bound += !err;
			if (err && !why)
				fprintf(stderr, "%s: view %s does not bind: %s\n", release, views.at[v]->name, err->message);
			else if (!err && why)
				fprintf(stderr, "%s: view %s binds, though expected.h says: %s\n", release, views.at[v]->name, why);
			failures += !err != !why;
			ka_error_free(err);
		}
	}
	for (size_t i = 0; i < KA_COUNT(expected); i++) {
		size_t v = 0;

		while (expected[i].view && v < views.n && strcmp(views.at[v]->name, expected[i].view))
			v++;
		if (expected[i].view && v == views.n) {
			fprintf(stderr, "expected.h speaks of a view %s that there is not\n", expected[i].view);
			failures++;
		}
	}
	printf("%zu views, %zu kernels: %u bound, %u failures\n", views.n, samples.n, bound, failures);
	return failures;
}

static bool is_choice(const struct ka_field *f)
{
	return f->is_maybe || f->paths[1];
}

static void heads(struct ka_str *out, const char *first)
{
	ka_str_printf(out, "| %s |", first);
	for (size_t i = 0; i < samples.n; i++)
		ka_str_printf(out, " %s |", samples.at[i]->release);
	ka_str_add(out, "\n|---|");
	for (size_t i = 0; i < samples.n; i++)
		ka_str_add(out, "---|");
	ka_str_addc(out, '\n');
}

/* One view: the fields that a kernel decides on. */
static void view_doc(struct ka_str *out, const struct ka_view *v, bool is_all)
{
	unsigned choices = 0;
	const char *type = NULL;

	for (uint32_t f = 0; f < v->field_count; f++)
		choices += is_all || is_choice(&v->fields[f]);
	if (!choices && !v->types[1])
		return;
	ka_str_printf(out, "\n### %s\n\n", v->name);
	heads(out, "field");
	if (is_all || v->types[1]) {
		ka_str_add(out, "| *struct* |");
		for (size_t i = 0; i < samples.n; i++) {
			ka_view_won(&samples.at[i]->kernel, v, 0, &type);
			ka_str_printf(out, type ? " `%s` |" : " – |", type);
		}
		ka_str_addc(out, '\n');
	}
	for (uint32_t f = 0; f < v->field_count; f++) {
		if (!is_all && !is_choice(&v->fields[f]))
			continue;
		ka_str_printf(out, "| %s |", v->fields[f].name);
		for (size_t i = 0; i < samples.n; i++) {
			const char *path = ka_view_won(&samples.at[i]->kernel, v, f, NULL);

			ka_str_printf(out, path ? " `%s` |" : " – |", path);
		}
		ka_str_addc(out, '\n');
	}
}

static void doc(struct ka_str *out, bool is_all)
{
	ka_str_add(out, "# Kernels\n\n"
		"Made by `ninja kernels-doc` from the views of the program and the layouts in `testdata/types`: do not edit.\n\n"
		"A view lists the members of a kernel struct that are needed, each with its alternatives: what is there decides, never the\n"
		"version. Here is what each kernel decided. A kernel is added with `testdata/types/make VMLINUX`; no dump is needed.\n\n"
		"## Which views bind\n\n");
	heads(out, "view");
	for (size_t v = 0; v < views.n; v++) {
		ka_str_printf(out, "| %s |", views.at[v]->name);
		for (size_t i = 0; i < samples.n; i++)
			ka_str_add(out, ka_error_drop(ka_view_bind(&samples.at[i]->kernel, views.at[v])) ? " – |" : " yes |");
		ka_str_addc(out, '\n');
	}
	ka_str_add(out, "\nThose that do not are of other generations of kernels, and none is needed for these:\n\n");
	for (size_t v = 0; v < views.n; v++)
		if (excuse(views.at[v], NULL))
			ka_str_printf(out, "- %s: %s\n", views.at[v]->name, excuse(views.at[v], NULL));
	ka_str_add(out, "\n## Which alternative won\n\n"
		"Only fields with more than one source, or that may be absent (–). Paths are those of the kernel's structs.\n");
	for (size_t v = 0; v < views.n; v++)
		view_doc(out, views.at[v], is_all);
}

static int compare(const struct ka_str *now, const char *path)
{
	FILE *f = fopen(path, "r");
	char *then = ka_xalloc(now->len + 2);
	size_t n = f ? fread(then, 1, now->len + 1, f) : 0;
	bool is_equal = n == now->len && !memcmp(then, now->p, n);

	if (f)
		fclose(f);
	free(then);
	if (!is_equal)
		fprintf(stderr, "%s is not what the views say now: ninja kernels-doc makes it anew\n", path);
	return !is_equal;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 2 ? argv[2] : "";
	struct ka_str text = { 0 };
	int status;
	struct ka_error *err;

	if (argc < 2 || argc > 4) {
		fprintf(stderr, "usage: shape FOLDER [--verbose | --doc | --check FILE]\n");
		return 2;
	}
	for (const struct ka_view *const *v = __start_ka_views; v < __stop_ka_views; v++)
		if (*v)
			ka_vec_push(&views, *v);
	qsort(views.at, views.n, sizeof(*views.at), by_name);
	err = samples_open(argv[1]);
	if (err) {
		fprintf(stderr, "%s\n", err->message);
		ka_error_free(err);
		samples_close();
		return 1;
	}
	if (*mode)
		doc(&text, !strcmp(mode, "--verbose"));
	if (!strcmp(mode, "--check"))
		status = argc < 4 || compare(&text, argv[3]);
	else if (!strcmp(mode, "--doc"))
		status = fwrite(text.p, 1, text.len, stdout) != text.len;
	else
		status = check() != 0 || (text.len && fwrite(text.p, 1, text.len, stdout) != text.len);
	ka_str_free(&text);
	samples_close();
	return status;
}
