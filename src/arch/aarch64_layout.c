/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * aarch64: where the kernel lies. The image is mapped apart from the direct map (since f9040773b7bb, v4.6), each with an
 * offset of its own, which the boot drew by lot: kimage_voffset and memstart_addr.
 */
#include <inttypes.h>
#include "aarch64.h"

#define IMAGE_FLAGS_AT	24		/* of the boot header (Documentation/arch/arm64/booting.rst), bits 2:1: page size (6a2ff8ff5ff2, v4.6) */
#define IMAGE_ALIGN	0x1000		/* 2 MB and less, but never less than a page */
#define OLD_TEXT_MAX	(64ull << 20)	/* before v4.6 the image lay this close to the start of the direct map */

static bool number(const struct ka_arch_env *env, const char *key, int base, uint64_t *ret)
{
	const char *text = env->vmcoreinfo(env->ctx, key);
	char *end;

	if (!text || !*text)
		return false;
	*ret = *text == '-' ? (uint64_t)strtoll(text, &end, base) : strtoull(text, &end, base);
	return end != text;
}

/* What the user says is believed before what the dump says. */
static bool forced_or_number(const struct ka_arch_env *env, const char *name, const char *key, uint64_t *ret)
{
	return env->override(env->ctx, name, ret) || number(env, key, 0, ret);
}

static bool variable(const struct ka_arch_env *env, const char *name, uint64_t *ret)
{
	uint64_t at;

	return env->symbol(env->ctx, name, &at) && !ka_error_drop(env->read(env->ctx, at, ret, sizeof(*ret)));
}

/* A variable of the image when that lies at phys: symbols are link-time addresses still. */
static bool variable_at(const struct ka_arch_env *env, uint64_t phys, uint64_t text, const char *name, uint64_t *ret)
{
	uint64_t at;

	return env->symbol(env->ctx, name, &at) && at >= text &&
	       !ka_error_drop(env->read_phys(env->ctx, phys + (at - text), ret, sizeof(*ret)));
}

/* 4K, 16K, 64K: by VMCOREINFO, by the user, or by the boot header of the image. */
static unsigned page_shift(const struct ka_arch_env *env, const struct ka_layout *l)
{
	uint64_t v;

	if (forced_or_number(env, "page_size", "PAGESIZE", &v) && (v == 4096 || v == 16384 || v == 65536))
		return v == 4096 ? 12 : v == 16384 ? 14 : 16;
	if (l->phys_base && !ka_error_drop(env->read_phys(env->ctx, l->phys_base + IMAGE_FLAGS_AT, &v, sizeof(v))) && v >> 1 & 3)
		return 10 + 2 * (v >> 1 & 3);
	return 12;
}

/* End of what VMCOREINFO alone tells to be in the image: what lies behind is walked. */
static uint64_t told_end(const struct ka_arch_env *env, uint64_t start)
{
	static const char *const keys[] = {
		"SYMBOL(swapper_pg_dir)", "SYMBOL(init_uts_ns)", "SYMBOL(node_online_map)", "SYMBOL(prb)", "SYMBOL(log_buf)",
		"SYMBOL(log_buf_len)", "SYMBOL(clear_seq)", "SYMBOL(vmap_area_list)", "SYMBOL(kallsyms_names)", "SYMBOL(kallsyms_offsets)",
	};
	uint64_t end = start, v;

	for (size_t i = 0; i < KA_COUNT(keys); i++)
		if (number(env, keys[i], 16, &v) && v > end && v - start < 1ull << 30)
			end = v;
	return (end | 0xfff) + 1;
}

/* Phase 0: enough to read the kernel image. */
static struct ka_error *layout_image(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t text = 0, end = 0, v, linked;
	bool has_symbols = env->symbol(env->ctx, "_text", &text) && env->symbol(env->ctx, "_end", &end);

	if (env->override(env->ctx, "kaslr", &v))
		l->kaslr_offset = v;
	else if (number(env, "KERNELOFFSET", 16, &v))		/* 20a166243328, v4.12 */
		l->kaslr_offset = v;
	else if (number(env, "SYMBOL(_stext)", 16, &v) && env->symbol(env->ctx, "_stext", &linked))
		l->kaslr_offset = v - linked;
	if (has_symbols && end > text) {
		l->text_base = text + l->kaslr_offset;
		l->text_end = (end + l->kaslr_offset + 0xfff) & ~0xfffull;
	} else if (number(env, "SYMBOL(_stext)", 16, &v)) {
		/* without vmlinux; _text is 64 KB or 4 KB before, and nothing that is told lies there */
		l->text_base = v & ~0xfffull;
		l->text_end = told_end(env, l->text_base);
		l->is_end_guessed = true;
	} else {
		return ka_error_new(KA_MISSING, "neither vmlinux nor VMCOREINFO tells where the kernel image is (_text, _end, _stext)");
	}
	l->image_start = l->text_base;
	/* the offset between virtual and physical address of the image; a7f8de168ace, v4.6 */
	if (env->override(env->ctx, "kimage_voffset", &v))
		l->phys_base = l->text_base - v;
	else if (env->override(env->ctx, "phys_base", &v))
		l->phys_base = v;
	else if (number(env, "NUMBER(kimage_voffset)", 0, &v))
		l->phys_base = l->text_base - v;
	/* v4.5 and older: the image lies in the direct map, which begins half-way up */
	else if (forced_or_number(env, "phys_offset", "NUMBER(PHYS_OFFSET)", &v) && !env->symbol(env->ctx, "kimage_voffset", &linked))
		l->phys_base = v + (l->text_base & (OLD_TEXT_MAX - 1));
	else
		return ka_error_new(KA_MISSING, "the dump has no VMCOREINFO that tells where the kernel image lies in memory (kimage_voffset): "
				    "give it with -m kimage_voffset=NUMBER, and with --kaslr how far it was moved");
	l->page_shift = page_shift(env, l);
	if (!number(env, "SYMBOL(swapper_pg_dir)", 16, &v)) {
		if (!env->symbol(env->ctx, "swapper_pg_dir", &v))
			return ka_error_new(KA_MISSING, "neither VMCOREINFO nor vmlinux tells where the kernel's top page table is (swapper_pg_dir)");
		v += l->kaslr_offset;
	}
	l->pgd_phys = v - l->text_base + l->phys_base;
	return NULL;
}

/* What 52 bits fall back to on a machine without (VA_BITS_MIN): 48, and 47 with 16K (9684ec186f8f, v6.9). */
static unsigned fallback_bits(const struct ka_layout *l)
{
	return l->top_bits <= 48 ? l->top_bits : l->page_shift == 14 ? 47 : 48;
}

/*
 * Since 14c127c957c1 (v5.4) the direct map has the lower half of the kernel's addresses and all else the upper one;
 * before that it was the other way round. Where the image lies tells which.
 */
static void set_direct_map(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t half = 1ull << (fallback_bits(l) - 1), v;
	bool is_old = !env->symbol(env->ctx, "kimage_voffset", &v) && !env->vmcoreinfo(env->ctx, "NUMBER(kimage_voffset)") &&
		      (l->text_base & (half - 1)) < OLD_TEXT_MAX;

	if (l->text_base & half && !is_old) {
		l->page_offset = -(1ull << l->top_bits);
		l->page_offset_end = -half;
	} else {
		l->page_offset = -(1ull << (l->top_bits - 1));
		l->page_offset_end = UINT64_MAX;
	}
}

/* Do the tables lead to the top one both ways, in the image and in the direct map? */
static bool is_width(const struct ka_arch_env *env, const struct ka_layout *l)
{
	const uint64_t at[] = { l->text_base + (l->pgd_phys - l->phys_base), l->page_offset + (l->pgd_phys - l->phys_offset) };
	uint64_t phys;

	for (size_t i = 0; i < KA_COUNT(at); i++)
		if (ka_error_drop(ka_aarch64_pt_walk(env, l, l->pgd_phys, at[i], NULL, &phys, NULL)) || phys != l->pgd_phys)
			return false;
	return true;
}

static void set_bits(const struct ka_arch_env *env, struct ka_layout *l, unsigned top, unsigned actual)
{
	l->build_bits = l->top_bits = top;
	l->va_bits = actual;
	/* 52 bits with 4K and 16K are only there with LPA2 (db95ea787bd1, v6.9) */
	l->is_lpa2 = actual > 48 && l->page_shift != 16;
	set_direct_map(env, l);
	/* the top table has the same number of levels, or it is the one below it, alone (0dd4f60a2c76, v6.9) */
	if (ka_aarch64_levels(top, l->page_shift) != ka_aarch64_levels(actual, l->page_shift))
		l->top_bits = actual;
}

/* VA_BITS of the build are not told: those with which the page tables map the direct map where it must be. */
static bool guess_bits(const struct ka_arch_env *env, struct ka_layout *l)
{
	static const struct { uint8_t shift, top, actual; } builds[] = {
		{ 12, 48, 48 }, { 12, 39, 39 }, { 12, 52, 52 }, { 12, 52, 48 }, { 14, 47, 47 }, { 14, 48, 48 }, { 14, 36, 36 },
		{ 14, 52, 52 }, { 14, 52, 47 }, { 16, 48, 48 }, { 16, 42, 42 }, { 16, 52, 52 }, { 16, 52, 48 },
	};

	for (size_t i = 0; i < KA_COUNT(builds); i++) {
		if (builds[i].shift != l->page_shift)
			continue;
		set_bits(env, l, builds[i].top, builds[i].actual);
		if (is_width(env, l))
			return true;
	}
	return false;
}

static bool is_bits(uint64_t v)
{
	return v >= 36 && v <= 52;
}

/* VA_BITS of the build and of the machine, as far as VMCOREINFO or the user tell them. */
static bool told_bits(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t top, actual, v;

	if (!forced_or_number(env, "va_bits", "NUMBER(VA_BITS)", &top) || !is_bits(top))
		return false;
	if (!env->override(env->ctx, "vabits_actual", &actual) || !is_bits(actual)) {
		if (number(env, "NUMBER(TCR_EL1_T1SZ)", 0, &v) && is_bits(64 - v))	/* bbdbc11804ff, v5.10 */
			actual = 64 - v;
		else if (!l->va_bits || !variable(env, "vabits_actual", &actual) || !is_bits(actual))	/* 5383cc6efed1, v5.4 */
			actual = top;
	}
	set_bits(env, l, (unsigned)top, (unsigned)KA_MIN(actual, top));
	/* only user space has 52 bits, and the top table room for them: e842dfb5a2d3, v5.0 to 5.3 */
	if (env->symbol(env->ctx, "vabits_user", &v) && l->page_shift == 16 && l->top_bits == 48)
		l->top_bits = 52;
	return true;
}

/*
 * Lines for a kernel that was found in memory by its banner. The image is contiguous there, and has in it what the kernel
 * itself worked out when it booted.
 */
bool ka_aarch64_locate(const struct ka_arch_env *env, uint64_t linked, uint64_t phys, struct ka_str *ret_lines)
{
	struct ka_layout l = { 0 };
	uint64_t text, voffset, pgd;

	if (!env->symbol(env->ctx, "_text", &text) || linked < text || phys < linked - text)
		return false;
	l.phys_base = phys - (linked - text);
	/* not by the magic at _text: its page is given back at boot (e2a073dde921, v5.11) */
	if (l.phys_base % IMAGE_ALIGN || !variable_at(env, l.phys_base, text, "kimage_voffset", &voffset) || voffset % IMAGE_ALIGN ||
	    !variable_at(env, l.phys_base, text, "memstart_addr", &l.phys_offset) || !env->symbol(env->ctx, "swapper_pg_dir", &pgd))
		return false;
	l.text_base = l.phys_base + voffset;
	if (!(l.text_base >> 55 & 1))	/* a copy of the file has 0 there */
		return false;
	l.pgd_phys = l.phys_base + (pgd - text);
	/* the header that tells the page size is in that page, too */
	unsigned told = page_shift(env, &l), shifts[] = { told, 12, 14, 16 };
	bool is_found = false;

	for (size_t i = 0; i < KA_COUNT(shifts) && !is_found; i++) {
		l.page_shift = shifts[i];
		is_found = guess_bits(env, &l);
	}
	if (!is_found)
		return false;
	ka_str_printf(ret_lines, "PAGESIZE=%llu\nKERNELOFFSET=%" PRIx64 "\nNUMBER(kimage_voffset)=0x%" PRIx64 "\nNUMBER(PHYS_OFFSET)=0x%" PRIx64
		      "\nNUMBER(VA_BITS)=%u\nNUMBER(TCR_EL1_T1SZ)=0x%x\nSYMBOL(swapper_pg_dir)=%" PRIx64 "\n", 1ull << l.page_shift,
		      l.text_base - text, voffset, l.phys_offset, l.build_bits, 64 - l.va_bits, l.text_base + (pgd - text));
	return true;
}

/* Phase 1: how wide addresses are where that was not told, and the regions. */
static struct ka_error *layout_regions(const struct ka_arch_env *env, struct ka_layout *l)
{
	uint64_t v;
	bool has_offset = forced_or_number(env, "phys_offset", "NUMBER(PHYS_OFFSET)", &l->phys_offset) ||
			  variable(env, "memstart_addr", &l->phys_offset);

	if (!told_bits(env, l) && !guess_bits(env, l))
		return ka_error_new(KA_MISSING, "the dump does not tell how wide virtual addresses are (VA_BITS), and the page tables at physical "
				    "0x%" PRIx64 " fit none of the possible widths: give it with -m va_bits=NUMBER", l->pgd_phys);
	if (!has_offset)
		l->page_offset = 0;	/* the tables are walked */
	/* without vmlinux the symbols may be in the dump, and be readable only now */
	if (l->is_end_guessed && env->symbol(env->ctx, "_end", &v) && v > l->text_end && v - l->text_end < 1ull << 30)
		l->text_end = (v + 0xfff) & ~0xfffull;
	l->va_levels = ka_aarch64_levels(l->va_bits, l->page_shift);
	if (number(env, "NUMBER(KERNELPACMASK)", 0, &v))	/* bbdbc11804ff, v5.10 */
		l->pac_mask = v;
	/* b0c756ea3cb8, v6.0 tells the regions; before, they follow from each other in ways that changed often */
	if (!number(env, "NUMBER(MODULES_VADDR)", 0, &l->modules_start) || !number(env, "NUMBER(MODULES_END)", 0, &l->modules_end)) {
		l->modules_start = l->page_offset_end == UINT64_MAX ? -(1ull << l->va_bits) : l->page_offset_end;
		l->modules_end = l->text_base;
	}
	if (!number(env, "NUMBER(VMEMMAP_START)", 0, &l->vmemmap_start) || !number(env, "NUMBER(VMEMMAP_END)", 0, &l->vmemmap_end))
		l->vmemmap_start = l->vmemmap_end = 0;
	if (!number(env, "NUMBER(VMALLOC_START)", 0, &l->vmalloc_start))
		l->vmalloc_start = l->modules_end;
	if (!number(env, "NUMBER(VMALLOC_END)", 0, &l->vmalloc_end))
		l->vmalloc_end = l->vmemmap_start ?: UINT64_MAX;
	return NULL;
}

struct ka_error *ka_aarch64_layout(const struct ka_arch_env *env, int phase, struct ka_layout *l)
{
	struct ka_error *err;

	if (phase != 0)
		return layout_regions(env, l);
	err = layout_image(env, l);
	if (!err)
		told_bits(env, l);	/* enough for the page tables */
	return err;
}
