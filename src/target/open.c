/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Opening: which file is what, which vmlinux belongs to the dump, and the joining of the parts. */
#include <ctype.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>
#include "kernel.h"

struct open_files {
	struct ka_file *dumps[256];	/* --split makes at most 32 parts */
	size_t dump_count;
	const char *vmlinux;
};

static struct ka_error *dump_add(struct open_files *f, const char *path, bool is_raw, uint64_t phys)
{
	struct ka_file *file;
	struct ka_error *err;

	if (f->dump_count == KA_COUNT(f->dumps))
		return ka_error_new(KA_USAGE, "more than %zu files", KA_COUNT(f->dumps));
	err = is_raw ? ka_file_open_raw(path, phys, &file) : ka_file_open(path, &file);
	if (!err)
		f->dumps[f->dump_count++] = file;
	return err;
}

/* FILE@PHYSADDR[,FILE@PHYSADDR...]: memory as it is. */
static struct ka_error *raw_add(struct open_files *f, const char *paths)
{
	struct ka_error *err = NULL;

	for (const char *rest = paths; *rest && !err; rest += *rest == ',') {
		size_t len = strcspn(rest, ",");
		char *path = ka_xstrndup(rest, len), *at = strrchr(path, '@'), *end = NULL;
		uint64_t phys = at ? strtoull(at + 1, &end, 16) : 0;

		if (!at || at == path || end == at + 1 || *end || !isxdigit((unsigned char)at[1])) {
			err = ka_error_new(KA_USAGE, "'%s' is not FILE@PHYSADDR: memory as it is, from that physical address (hex) on", path);
		} else {
			*at = 0;
			err = dump_add(f, path, true, phys);
		}
		free(path);
		rest += len;
	}
	return err;
}

static struct ka_error *sort_path(struct open_files *f, const char *path)
{
	/* a file may have such a name, too */
	if (strchr(path, '@') && access(path, F_OK))
		return raw_add(f, path);
	if (ka_object_sniff(path)) {
		if (f->vmlinux)
			return ka_error_new(KA_USAGE, "both %s and %s are kernels: give one", f->vmlinux, path);
		f->vmlinux = path;
		return NULL;
	}
	return dump_add(f, path, false, 0);
}

static struct ka_error *open_image(struct ka_kernel *k, const char *const *paths, struct open_files *f)
{
	struct ka_file **files;
	struct ka_error *err = NULL;

	for (size_t i = 0; paths && paths[i] && !err; i++)
		err = sort_path(f, paths[i]);
	if (!err && !f->dump_count)
		err = f->vmlinux ? ka_error_new(KA_USAGE, "%s is a kernel (vmlinux), and no dump was given", f->vmlinux) :
				   ka_error_new(KA_USAGE, "no dump was given");
	if (err) {
		for (size_t i = 0; i < f->dump_count; i++)
			ka_file_close(f->dumps[i]);
		return err;
	}
	k->dump_paths = ka_xalloc((f->dump_count + 1) * sizeof(*k->dump_paths));
	for (size_t i = 0; i < f->dump_count; i++)
		k->dump_paths[i] = f->dumps[i]->is_raw ? ka_xprintf("%s@0x%" PRIx64, f->dumps[i]->path, f->dumps[i]->raw_phys) :
							 ka_xstrdup(f->dumps[i]->path);
	files = ka_xalloc(f->dump_count * sizeof(*files));
	memcpy(files, f->dumps, f->dump_count * sizeof(*files));
	err = ka_image_open(files, f->dump_count, &k->image);
	free(files);
	if (err)
		return err;
	k->image->is_zero_excluded = k->options.is_zero_excluded;
	if (k->options.cache_bytes)
		ka_image_set_cache_size(k->image, k->options.cache_bytes);
	return NULL;
}

static size_t parse_build_id(const char *hex, uint8_t *ret, size_t max)
{
	size_t n = 0;
	unsigned byte;

	while (hex && n < max && sscanf(hex + 2 * n, "%2x", &byte) == 1 && hex[2 * n + 1] > ' ')
		ret[n++] = (uint8_t)byte;
	return n;
}

/* VMCOREINFO lines end in a line break, not in NUL. */
static char *line_dup(const char *line)
{
	return line ? ka_xstrndup(line, strcspn(line, "\n")) : NULL;
}

static struct ka_error *find_vmlinux(struct ka_kernel *k, const char *given, const char *const *debug_dirs,
				     const uint8_t *id, size_t id_size, const char *release)
{
	char *dir = ka_xstrdup(k->dump_paths[0]), *slash = strrchr(dir, '/');
	struct ka_error *err;

	if (slash)
		slash[slash == dir] = 0;
	struct ka_find_request r = {
		.build_id = id, .build_id_size = id_size, .release = release,
		.dump_dir = slash ? dir : ".", .debug_dirs = debug_dirs,
	};
	err = given ? ka_object_open(given, &k->object) : ka_find_vmlinux(&r, &k->object);
	if (k->object)
		k->object->has_no_cache = k->options.has_no_cache;
	free(dir);
	return err;
}

static struct ka_error *mismatch(struct ka_kernel *k, const char *what, const char *dump, const char *vmlinux, const char *release)
{
	struct ka_arena *a = ka_arena_new();
	struct ka_error *err = ka_error_new(KA_USAGE,
		"%s and %s do not belong together:\n  %s of the dump:    %s\n  %s of the vmlinux: %s\n"
		"The vmlinux that belongs to the dump: %s\n--force opens them nevertheless",
		k->object->path, k->dump_paths[0], what, dump, what, vmlinux, release ? ka_find_hint(release, a) : "unknown");

	ka_arena_free(a);
	return err;
}

static struct ka_error *pick_arch(struct ka_kernel *k)
{
	uint16_t machine = k->image->info.e_machine ? k->image->info.e_machine : k->object ? k->object->e_machine : 0;
	const char *name = ka_machine_name(machine);

	k->arch = ka_arch_by_machine(machine);
	if (!k->arch && name)
		return ka_error_new(KA_UNSUPPORTED, "the dump is of %s, which is not supported yet", name);
	if (!k->arch && !machine)
		return ka_error_new(KA_UNSUPPORTED, "the dump does not tell of which architecture it is: give the vmlinux");
	if (!k->arch)
		return ka_error_new(KA_UNSUPPORTED, "the dump is of ELF machine %u, which is not known", machine);
	if (k->image->info.is_big_endian != k->arch->is_big_endian)
		return ka_error_new(KA_UNSUPPORTED, "the dump is of %s-endian %s, which is not supported yet",
				    k->image->info.is_big_endian ? "big" : "little", k->arch->name);
	k->long_size = k->arch->long_size;
	k->is_big_endian = k->image->info.is_big_endian;
	k->layout.page_shift = k->arch->page_shift;
	return NULL;
}

/* Said before anything is looked for: what is not supported, and a vmlinux of another machine. */
static struct ka_error *check_machine(struct ka_kernel *k)
{
	uint16_t dump = k->image->info.e_machine, vmlinux = k->object ? k->object->e_machine : 0;
	const char *word = k->image->info.machine;

	if (dump && !ka_arch_by_machine(dump))
		return pick_arch(k);
	/* a kdump header has a word for it, which may be one that goes with no ELF machine; QEMU's is "Unknown" but for x86 */
	if (!dump && word[0] && strcmp(word, "Unknown"))
		return ka_error_new(KA_UNSUPPORTED, "the dump is of %s, which is not supported yet", word);
	if (dump && vmlinux && dump != vmlinux)
		return ka_error_new(KA_USAGE, "%s is of %s, the dump of %s", k->object->path,
				    ka_machine_name(vmlinux) ?: "an unknown architecture", ka_machine_name(dump) ?: "an unknown architecture");
	return NULL;
}

/* Build-ids decide where both are known (0935288c6e00, v5.9 puts it into VMCOREINFO), the release string else. */
static struct ka_error *check_match(struct ka_kernel *k, const uint8_t *id, size_t id_size, const char *release)
{
	const struct ka_object *o = k->object;

	if (k->options.is_forced)
		return NULL;
	if (id_size && o->build_id_size) {
		char dump[129], vmlinux[129];

		if (id_size == o->build_id_size && !memcmp(id, o->build_id, id_size))
			return NULL;
		ka_build_id_text(id, id_size, dump);
		ka_build_id_text(o->build_id, o->build_id_size, vmlinux);
		return mismatch(k, "build-id", dump, vmlinux, release);
	}
	const char *banner = ka_object_banner(k->object);
	if (banner && release) {
		const char *at = strncmp(banner, "Linux version ", 14) ? NULL : banner + 14;

		if (at && (strncmp(at, release, strlen(release)) || at[strlen(release)] != ' ')) {
			char *theirs = ka_xstrndup(at, strcspn(at, " \n"));
			struct ka_error *err = mismatch(k, "release", release, theirs, release);

			free(theirs);
			return err;
		}
	}
	return NULL;
}

/* Has the user said where the kernel lies? That may be wrong although the vmlinux is right. */
static bool is_told(const struct ka_kernel *k)
{
	return k->options.has_kaslr || k->options.has_phys_base || (k->options.machine && k->options.machine[0]);
}

/* The banner in the dump's memory is the last proof, where there was no build-id to compare. */
static struct ka_error *check_banner(struct ka_kernel *k, bool is_proved)
{
	const char *ours = ka_object_banner(k->object);
	char theirs[512];
	struct ka_symbol s;
	size_t n;

	if (is_proved || k->options.is_forced || !ours || !ka_symbol_lookup(k, "linux_banner", &s))
		return NULL;
	if (ka_error_drop(ka_read_cstr(k, s.addr, theirs, sizeof(theirs)))) {
		if (!is_told(k))
			return NULL;	/* filtered out, say */
		theirs[0] = 0;
	}
	n = strcspn(ours, "\n");
	if (strcspn(theirs, "\n") == n && !memcmp(ours, theirs, n))
		return NULL;
	if (strncmp(theirs, "Linux version ", 14))	/* no banner there: a wrong KASLR offset, say */
		return ka_error_new(KA_USAGE, "where %s has its banner, the dump has something else: they do not belong together, "
				    "or KERNELOFFSET or phys_base of the dump are wrong (--kaslr, --phys-base, -m; --force opens them nevertheless)",
				    k->object->path);
	theirs[strcspn(theirs, "\n")] = 0;
	char *mine = ka_xstrndup(ours, n);
	struct ka_error *err = mismatch(k, "banner", theirs, mine, ka_vmcoreinfo(k, "OSRELEASE"));
	free(mine);
	return err;
}

/* What stands in for a vmlinux is VMCOREINFO. */
static struct ka_error *check_minimal(struct ka_kernel *k, const char *vmlinux)
{
	if (vmlinux)
		return ka_error_new(KA_USAGE, "a session without vmlinux was asked for, and %s is one", vmlinux);
	if (!k->image->vmcoreinfo)
		return ka_error_new(KA_NOT_FOUND, "%s has no VMCOREINFO, neither as a note nor in its memory, so nothing can be told of its "
				    "kernel without the vmlinux%s%s", k->dump_paths[0], k->image->info.release[0] ? " of " : "", k->image->info.release);
	return NULL;
}

/*
 * No vmlinux was found: kernels since 5.7 carry symbols and types with them (kallsyms, BTF), enough for nearly everything.
 * Takes missing, the error of the search: where the dump has neither, that is the answer; else it becomes a warning.
 */
static struct ka_error *stand_in(struct ka_kernel *k, struct ka_error *missing)
{
	struct ka_symbol s;
	uint64_t size;
	ka_addr at;

	if (!ka_kallsyms(k) || !ka_btf_place(k, &at, &size))
		return missing;
	char *before = k->warning;
	struct ka_str text = { 0 };

	ka_str_printf(&text, "%s%s%s\nSymbols and types come from the dump itself: what needs DWARF (source lines, types of variables) is missing",
		      before ? before : "", before ? "\n" : "", missing->message);
	/* kallsyms of functions alone */
	if (!ka_symbol_lookup(k, "init_task", &s))
		ka_str_add(&text, "\nThis kernel (CONFIG_KALLSYMS_ALL is off) tells where its functions are, and none of its variables: tasks, modules, mounts "
			   "and most else need the vmlinux; log, dis, sym, rd, vtop and struct work");
	free(before);
	ka_error_free(missing);
	k->warning = text.p;
	return NULL;
}

/* Without VMCOREINFO the kernel is searched for, unless the user says where it is. */
static bool needs_locating(const struct ka_kernel *k)
{
	uint16_t machine = k->image->info.e_machine;

	return !k->image->vmcoreinfo && !(k->options.has_kaslr && k->options.has_phys_base) && (!machine || ka_arch_by_machine(machine));
}

static struct ka_error *open_all(struct ka_kernel *k, const struct ka_open_options *o)
{
	struct open_files files = { 0 };
	uint8_t id[64];
	char *release;
	struct ka_error *err = open_image(k, o->paths, &files), *missing = NULL;

	if (!err)
		err = check_machine(k);
	if (!err && needs_locating(k)) {
		if (files.vmlinux && !o->is_minimal)
			err = find_vmlinux(k, files.vmlinux, o->debug_dirs, NULL, 0, NULL);
		if (!err)
			err = check_machine(k);
		if (!err)
			err = ka_locate(k);
	}
	if (err)
		return err;
	k->warning = k->image->info.warning ? ka_xstrdup(k->image->info.warning) : NULL;
	size_t id_size = parse_build_id(ka_vmcoreinfo(k, "BUILD-ID"), id, sizeof(id));
	release = line_dup(ka_vmcoreinfo(k, "OSRELEASE"));
	if (!release && k->image->info.release[0])
		release = ka_xstrdup(k->image->info.release);
	err = check_machine(k);		/* again: memory may have told it */
	if (!err && o->is_minimal)
		err = check_minimal(k, files.vmlinux);
	else if (!err && !k->object)
		err = find_vmlinux(k, files.vmlinux, o->debug_dirs, id, id_size, release);
	/* found by the release in a banner: now it is known what to look for */
	if (!err && k->object && needs_locating(k))
		err = ka_locate(k);
	if (err && !o->is_minimal && !files.vmlinux && k->image->vmcoreinfo && k->image->info.e_machine && !k->object) {
		missing = err;
		err = NULL;
	}
	if (!err && k->object)
		err = check_machine(k);
	if (!err && k->object)
		err = check_match(k, id, id_size, release);
	/* a stripped one is of less use than what the dump itself has (kallsyms, BTF) */
	if (!err && k->object && !ka_object_section(k->object, ".symtab") && k->image->vmcoreinfo) {
		missing = ka_error_new(KA_MISSING, "%s has no symbols (it was stripped): the one that is needed is of a debuginfo package", k->object->path);
		ka_object_close(k->object);
		k->object = NULL;
	}
	if (!err)
		err = pick_arch(k);
	free(release);
	if (!err) {
		ka_env_init(k);
		err = ka_layout_init(k);
	}
	if (missing && err) {
		ka_error_free(err);
		return missing;
	}
	if (missing)
		err = stand_in(k, missing);
	if (!err && k->object)
		err = check_banner(k, id_size && k->object->build_id_size && !is_told(k));
	return err;
}

/* The folders are asked again for modules. */
static const char *const *strings_dup(const char *const *strings)
{
	size_t n = 0;

	while (strings && strings[n])
		n++;
	char **copy = ka_xalloc((n + 1) * sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = ka_xstrdup(strings[i]);
	return (const char *const *)copy;
}

static void strings_free(const char *const *strings)
{
	for (size_t i = 0; strings && strings[i]; i++)
		free((char *)strings[i]);
	free((char **)strings);
}

static struct ka_kernel *kernel_new(const struct ka_open_options *o)
{
	struct ka_kernel *k = ka_xalloc(sizeof(*k));

	k->options = *o;
	k->options.paths = NULL;
	k->options.debug_dirs = strings_dup(o->debug_dirs);
	k->options.machine = strings_dup(o->machine);
	k->arena = ka_arena_new();
	k->tlb = ka_xalloc(KA_TLB_SIZE * sizeof(*k->tlb));
	for (size_t i = 0; i < KA_TLB_SIZE; i++)
		atomic_init(&k->tlb[i].phys, UINT64_MAX);
	k->bound = ka_xalloc(KA_BOUND_SLOTS * sizeof(*k->bound));
	pthread_mutex_init(&k->lock, NULL);
	pthread_mutex_init(&k->types_lock, NULL);
	pthread_mutex_init(&k->orc_lock, NULL);
	ka_module_names_init(&k->module_names);
	pthread_cond_init(&k->state_made, NULL);
	return k;
}

struct ka_error *ka_kernel_open(const struct ka_open_options *o, struct ka_kernel **ret)
{
	struct ka_kernel *k = kernel_new(o);
	struct ka_error *err = open_all(k, o);

	if (err) {
		ka_kernel_close(k);
		return err;
	}
	*ret = k;
	return NULL;
}

struct ka_error *ka_dump_identity(const struct ka_open_options *o, struct ka_dump_identity *ret)
{
	struct ka_kernel *k = kernel_new(o);
	struct open_files files = { 0 };
	struct ka_error *err = open_image(k, o->paths, &files);

	*ret = (struct ka_dump_identity){ 0 };
	if (!err && needs_locating(k))
		err = ka_locate(k);
	if (!err) {
		ret->has_vmcoreinfo = k->image->vmcoreinfo;
		ret->release = line_dup(ka_vmcoreinfo(k, "OSRELEASE"));
		if (!ret->release && k->image->info.release[0])
			ret->release = ka_xstrdup(k->image->info.release);
		ret->build_id = line_dup(ka_vmcoreinfo(k, "BUILD-ID"));
	}
	ka_kernel_close(k);
	return err;
}

void ka_kernel_close(struct ka_kernel *k)
{
	if (!k)
		return;
	ka_states_free(k);
	ka_views_free(k);
	ka_types_close(k->dwarf);
	ka_types_close(k->types);
	ka_error_free(k->types_error);
	ka_error_free(k->symtab_error);
	if (k->orc)
		ka_orc_close(k->orc);
	if (k->object)
		ka_object_close(k->object);
	ka_symtab_free(k->own_symtab);
	if (k->image)
		ka_image_close(k->image);
	for (size_t i = 0; k->dump_paths && k->dump_paths[i]; i++)
		free(k->dump_paths[i]);
	free(k->dump_paths);
	strings_free(k->options.debug_dirs);
	strings_free(k->options.machine);
	free(k->warning);
	free(k->vmcoreinfo);
	free(k->tlb);
	ka_map_free(&k->vmcoreinfo_index);
	ka_arena_free(k->arena);
	pthread_mutex_destroy(&k->lock);
	pthread_mutex_destroy(&k->types_lock);
	pthread_mutex_destroy(&k->orc_lock);
	ka_module_names_deinit(&k->module_names);
	pthread_cond_destroy(&k->state_made);
	free(k);
}
