/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A dump without VMCOREINFO: raw memory, LiME, QEMU's without '-device vmcoreinfo'. The kernel keeps the text in a page of its
 * own, and its banner in .rodata: both are searched for in memory. There may be several: of kernels that ran before a kexec, of
 * the crash kernel, of files in the page cache. What counts is the one whose page tables lead back to where it was found; of
 * two such, the kernel that crashed, not the one that was booted to write its dump.
 */
#include <ctype.h>
#include <inttypes.h>
#include "kernel.h"
#include "scan.h"

#define INFO_MAX 16384		/* VMCOREINFO is one page, of some 3 KB */
#define HITS_MAX 4096
#define OTHERS_MAX 8

static const char *const texts[] = { "OSRELEASE=", "Linux version ", NULL };

struct locate {
	struct ka_kernel *k;
	const char *banner;		/* of vmlinux; NULL: any */
	struct { KA_VEC(uint64_t); } banners;	/* where they lie */
	struct { KA_VEC(char *); } infos;	/* of this kernel, and not proved */
	char *others;			/* releases of other kernels, for the message */
	unsigned other_count;
	char *spare;			/* proved, but it may be the capture kernel's; NULL: none */
	uint64_t infos_seen;
	bool is_found;
};

/* Text at phys up to a NUL: as far as it can be read and is printable. NULL: not plausible. */
static char *info_read(struct ka_image *img, uint64_t phys)
{
	char *text = ka_xalloc(INFO_MAX + 1);
	size_t n = 0;

	while (n < INFO_MAX) {
		size_t step = KA_MIN(INFO_MAX - n, 512 - (size_t)((phys + n) & 511));

		if (ka_error_drop(ka_image_read(img, phys + n, text + n, step)))
			break;
		if (memchr(text + n, 0, step)) {
			n += strlen(text + n);
			break;
		}
		n += step;
	}
	text[n] = 0;
	for (size_t i = 0; i < n; i++) {
		/* a page of another kind of text may follow without a NUL: lines end where they are not KEY=value */
		if (!isprint((unsigned char)text[i]) && text[i] != '\n') {
			text[i] = 0;
			break;
		}
	}
	char *last = strrchr(text, '\n');
	if (last)
		last[1] = 0;
	if (strstr(text, "\nPAGESIZE=") && strstr(text, "\nSYMBOL("))
		return text;
	free(text);
	return NULL;
}

/* Which lines only one architecture writes. 0: cannot tell. */
static uint16_t machine_of(const char *info)
{
	if (strstr(info, "\nNUMBER(kimage_voffset)=") || strstr(info, "\nNUMBER(VA_BITS)="))
		return strstr(info, "\nNUMBER(PHYS_RAM_BASE)=") || strstr(info, "\nNUMBER(va_kernel_pa_offset)=") ||
		       strstr(info, "\nNUMBER(KERNEL_LINK_ADDR)=") ? EM_RISCV : EM_AARCH64;
	if (strstr(info, "\nSYMBOL(init_top_pgt)=") || strstr(info, "\nNUMBER(phys_base)=") || strstr(info, "\nSYMBOL(init_level4_pgt)=") ||
	    strstr(info, "\nNUMBER(KERNEL_IMAGE_SIZE)="))
		return EM_X86_64;
	return 0;
}

static void info_set(struct ka_kernel *k, const char *text)
{
	free(k->image->vmcoreinfo);
	k->image->vmcoreinfo = text ? ka_xstrdup(text) : NULL;
	k->image->vmcoreinfo_size = text ? strlen(text) : 0;
	free(k->vmcoreinfo);
	k->vmcoreinfo = NULL;
	ka_map_free(&k->vmcoreinfo_index);
}

static bool arch_set(struct ka_kernel *k, uint16_t machine)
{
	k->arch = ka_arch_by_machine(machine);
	if (!k->arch)
		return false;
	k->long_size = k->arch->long_size;
	k->is_big_endian = k->image->info.is_big_endian;
	k->layout.page_shift = k->arch->page_shift;
	ka_env_init(k);
	return true;
}

static bool number_of(struct ka_kernel *k, const char *key, uint64_t *ret)
{
	const char *text = ka_vmcoreinfo(k, key);
	char *end;

	if (!text)
		return false;
	*ret = strtoull(text, &end, 16);
	return end != text;
}

/* Does the top page table that follows from the text map the kernel to where it is? */
static bool is_mapped_right(struct ka_kernel *k, const struct ka_layout *l, const char *banner)
{
	uint64_t virt, phys, linear;
	struct ka_symbol s;

	if (k->object && banner && ka_symbol_lookup(k, "linux_banner", &s)) {
		size_t n = strlen(banner);
		char *there = ka_xalloc(n);
		bool is_same;

		virt = s.addr + l->kaslr_offset;
		is_same = !ka_error_drop(k->arch->pt_walk(&k->env, l, l->pgd_phys, virt, NULL, &phys, NULL)) &&
			  !ka_error_drop(ka_image_read(k->image, phys, there, n)) && !memcmp(there, banner, n);
		free(there);
		return is_same;
	}
	if (!number_of(k, "SYMBOL(swapper_pg_dir)", &virt) ||
	    ka_error_drop(k->arch->pt_walk(&k->env, l, l->pgd_phys, virt, NULL, &phys, NULL)) || (phys & ~0xfffull) != (l->pgd_phys & ~0xfffull))
		return false;
	return !number_of(k, "SYMBOL(_stext)", &virt) ||
	       (!ka_error_drop(k->arch->pt_walk(&k->env, l, l->pgd_phys, virt, NULL, &phys, NULL)) &&
		(!k->arch->linear(l, virt, &linear) || linear == phys));
}

/*
 * Is it certain that the kernel is not one that kdump booted? Only such ones are told where the ELF header of the crashed one's memory is
 * (elfcorehdr_addr, since v2.6.13; ELFCORE_ADDR_MAX else). The text of one that crashed tells when.
 */
static bool is_certain(struct ka_kernel *k, const struct ka_layout *l, const char *info)
{
	uint64_t phys, elfcorehdr;
	struct ka_symbol s;

	if (strstr(info, "\nCRASHTIME="))
		return true;
	if (!k->object)
		return false;
	return !ka_symbol_lookup(k, "elfcorehdr_addr", &s) ||
	       ka_error_drop(k->arch->pt_walk(&k->env, l, l->pgd_phys, s.addr + l->kaslr_offset, NULL, &phys, NULL)) ||
	       ka_error_drop(ka_image_read(k->image, phys, &elfcorehdr, sizeof(elfcorehdr))) || !elfcorehdr || elfcorehdr == UINT64_MAX;
}

/* Takes the text as VMCOREINFO, when it holds. What is not certain is kept for when there is nothing better. */
static bool try(struct locate *lo, const char *info)
{
	struct ka_kernel *k = lo->k;
	uint16_t machine = k->image->info.e_machine ? k->image->info.e_machine : k->object ? k->object->e_machine : machine_of(info);
	struct ka_layout l = { 0 };

	if (!arch_set(k, machine))
		return false;
	info_set(k, info);
	if (!ka_error_drop(k->arch->layout(&k->env, 0, &l)) && is_mapped_right(k, &l, lo->banner)) {
		if (info == lo->spare || is_certain(k, &l, info)) {
			k->image->info.e_machine = machine;
			return lo->is_found = true;
		}
		if (!lo->spare)
			lo->spare = ka_xstrdup(info);
	}
	info_set(k, NULL);
	return false;
}

static bool line_is(const char *info, const char *key, const char *value, size_t len)
{
	const char *at = strstr(info, key);

	return at && !strncmp(at + strlen(key), value, len) && (at[strlen(key) + len] == '\n' || !at[strlen(key) + len]);
}

/* Is it the vmlinux's own? Without vmlinux any is. */
static bool is_ours(const struct locate *lo, const char *info)
{
	const struct ka_object *o = lo->k->object;
	char id[129];

	if (!o || lo->k->options.is_forced)
		return true;
	if (o->build_id_size && strstr(info, "\nBUILD-ID=")) {
		ka_build_id_text(o->build_id, o->build_id_size, id);
		return line_is(info, "\nBUILD-ID=", id, strlen(id));
	}
	return !lo->banner || line_is(info, "OSRELEASE=", lo->banner + strlen(texts[1]), strcspn(lo->banner + strlen(texts[1]), " "));
}

static void other_add(struct locate *lo, const char *release)
{
	char *name = ka_xstrndup(release, KA_MIN(strcspn(release, " \n"), 64u)), *old = lo->others;

	if (lo->other_count < OTHERS_MAX && !(old && strstr(old, name))) {
		lo->others = ka_xprintf("%s%s%s", old ? old : "", old ? ", " : "", name);
		free(old);
		lo->other_count++;
	}
	free(name);
}

static bool on_hit(void *ctx, unsigned text, uint64_t phys)
{
	struct locate *lo = ctx;

	if (text == 0) {
		char *info = lo->infos_seen++ < HITS_MAX ? info_read(lo->k->image, phys) : NULL;

		if (info && !is_ours(lo, info)) {
			other_add(lo, info + strlen(texts[0]));
		} else if (info && try(lo, info)) {
			ka_log(1, "VMCOREINFO found in memory at physical 0x%" PRIx64, phys);
		} else if (info && lo->infos.n < 16) {
			ka_vec_push(&lo->infos, info);
			return true;
		}
		free(info);
	} else if (lo->banners.n < HITS_MAX) {
		char there[512];
		size_t n = lo->banner ? KA_MIN(strlen(lo->banner), sizeof(there)) : strlen(texts[1]) + 1;

		if (!ka_error_drop(ka_image_read(lo->k->image, phys, there, n)) &&
		    (lo->banner ? !memcmp(there, lo->banner, n) : isdigit((unsigned char)there[n - 1])))
			ka_vec_push(&lo->banners, phys);
	}
	return !lo->is_found;
}

/* From the banner's place alone: the architecture says what VMCOREINFO would have. */
static void try_banners(struct locate *lo)
{
	struct ka_kernel *k = lo->k;
	struct ka_symbol s;

	if (!k->object || !lo->banner || !arch_set(k, k->image->info.e_machine ? k->image->info.e_machine : k->object->e_machine) ||
	    !k->arch->locate || !ka_symbol_lookup(k, "linux_banner", &s))
		return;
	for (size_t i = 0; i < lo->banners.n && !lo->is_found && !ka_interrupted(); i++) {
		const char *release = lo->banner + strlen(texts[1]);
		struct ka_str lines = { 0 };

		if (k->arch->locate(&k->env, s.addr, lo->banners.at[i], &lines)) {
			/* behind what the kernel wrote itself, where that was found and lacks it (before v4.10): the first of a key counts */
			for (size_t j = 0; j <= lo->infos.n && !lo->is_found; j++) {
				char *info = j < lo->infos.n ? ka_xprintf("%s%s", lo->infos.at[j], lines.p) :
							       ka_xprintf("OSRELEASE=%.*s\n%s", (int)strcspn(release, " "), release, lines.p);
				if (try(lo, info))
					ka_log(1, "the kernel was found by its banner at physical 0x%" PRIx64 ": %s", lo->banners.at[i], info);
				free(info);
			}
		}
		ka_str_free(&lines);
	}
}

/* Release of the first banner, where there is nothing else to find a vmlinux by. */
static void release_of(struct locate *lo, char ret[65])
{
	char there[96] = { 0 };

	ret[0] = 0;
	for (size_t i = 0; i < lo->banners.n && !ret[0]; i++) {
		if (ka_error_drop(ka_image_read(lo->k->image, lo->banners.at[i], there, sizeof(there) - 1)))
			continue;
		size_t n = strcspn(there + strlen(texts[1]), " (\n%");
		if (n && n < 65 && there[strlen(texts[1]) + n] == ' ') {
			memcpy(ret, there + strlen(texts[1]), n);
			ret[n] = 0;
		}
	}
}

struct ka_error *ka_locate(struct ka_kernel *k)
{
	const char *banner = k->object ? ka_object_banner(k->object) : NULL;
	char *copy = banner ? ka_xstrndup(banner, strcspn(banner, "\n")) : NULL;
	struct locate lo = { .k = k, .banner = copy };
	struct ka_error *err = ka_scan(k->image, "searching the memory for the kernel", texts, on_hit, &lo);

	/* found by a thread while another one was at an earlier place: the same */
	if (!err && !lo.is_found)
		try_banners(&lo);
	if (!err && !lo.is_found && lo.spare)
		try(&lo, lo.spare);
	if (!err && !lo.is_found && k->object)
		err = ka_error_new(KA_NOT_FOUND, "%s has no VMCOREINFO, and the kernel of %s is not in its memory: %s%s%s. Is it the right vmlinux? "
				   "(--kaslr and --phys-base say where the kernel is)", k->dump_paths[0], k->object->path,
				   lo.banners.n ? "its banner is there, but no page tables that lead to it" : "its banner is not there",
				   lo.others ? "; other kernels' traces are: " : "", lo.others ? lo.others : "");
	if (!err && !lo.is_found && !k->object) {
		info_set(k, NULL);
		if (!k->image->info.release[0])
			release_of(&lo, k->image->info.release);
	}
	for (size_t i = 0; i < lo.infos.n; i++)
		free(lo.infos.at[i]);
	ka_vec_free(&lo.infos);
	ka_vec_free(&lo.banners);
	free(lo.others);
	free(lo.spare);
	free(copy);
	return err;
}
