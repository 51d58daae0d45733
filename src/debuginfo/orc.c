/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ORC, the x86_64 kernel's own unwind tables (4.14+): all layouts of struct orc_entry, from a file or from memory. */
#include "debuginfo.h"

#define ENTRY_SIZE	6	/* s16 sp_offset, s16 bp_offset, u16 of bitfields; in every layout so far */
#define ENTRY_MAX	(64U << 20)
#define SAMPLE		4096

/* DWARF numbers of x86_64. */
enum { RAX, RDX, RCX, RBX, RSI, RDI, RBP, RSP, R8, R9, R10, R11, R12, R13, R14, R15, RA };

enum base { BASE_NONE, BASE_REG, BASE_PREV_SP, BASE_SP_INDIRECT, BASE_BP_INDIRECT, BASE_BAD };

/* The four bits of sp_reg and bp_reg. */
struct orc_base {
	enum base base;
	uint16_t reg;
};

static const struct orc_base bases_414[16] = {
	{ BASE_NONE, 0 }, { BASE_PREV_SP, 0 }, { BASE_REG, RDX }, { BASE_REG, RDI }, { BASE_REG, RBP }, { BASE_REG, RSP },
	{ BASE_REG, R10 }, { BASE_REG, R13 }, { BASE_BP_INDIRECT, RBP }, { BASE_SP_INDIRECT, RSP },
	{ BASE_REG, RAX },	/* appended in a form that was proposed for kernels before 7.1 */
	[11 ... 15] = { BASE_BAD, 0 },
};
/* 7.1 numbered them anew, RAX among them. */
static const struct orc_base bases_71[16] = {
	{ BASE_NONE, 0 }, { BASE_REG, RAX }, { BASE_REG, RDX }, { BASE_REG, RSP }, { BASE_REG, RBP }, { BASE_REG, RDI },
	{ BASE_REG, R10 }, { BASE_REG, R13 }, { BASE_PREV_SP, 0 }, { BASE_SP_INDIRECT, RSP }, { BASE_BP_INDIRECT, RBP },
	[11 ... 15] = { BASE_BAD, 0 },
};

/*
 * Layouts of the bitfields, low bit first:
 *   4.14: sp_reg:4 bp_reg:4 type:2 end:1
 *   6.3:  sp_reg:4 bp_reg:4 type:2 signal:1 end:1	(ffb1b4a41016)
 *   6.4:  sp_reg:4 bp_reg:4 type:3 signal:1	(fb799447ae29)
 * 4.14 and 6.3 need not be told apart beforehand: see entry_decode().
 */
static const struct orc_layout {
	const char *name;
	bool is_type3;		/* three bits of type, as of 6.4 */
	const struct orc_base *bases;
} layouts[] = {
	{ "4.14-6.3", false, bases_414 },
	{ "6.4", true, bases_414 },
	{ "7.1", true, bases_71 },
};

/* .orc_header (b9f174c811e3, v6.4): SHA-1 of the lines that define the layout (scripts/orc_hash.sh of the kernel). */
static const struct {
	uint8_t hash[20];
	uint8_t layout;
} hashes[] = {
	{"\xdb\x84\xae\xd4\x10\x3b\x31\xdd\x51\xe0\x17\xf8\xf7\x97\x83\xca\x98\x5c\x2c\x51", 0}, /* 6.3.10 */
	{"\xfe\x5d\x32\xbf\x58\x1b\xd6\x3b\x2c\xa9\xa5\xc6\x5b\xa5\xa6\x25\xea\xb3\xfe\x24", 1}, /* 6.4 */
	{"\xed\xfa\x4d\x15\x55\x2f\xdd\x2e\x1d\x56\x67\x97\x28\x41\x63\x79\xf2\xfe\x45\x34",
	 1}, /* 6.4 and ORC_REG_AX 10 */
	{"\x13\x7c\x36\xad\x76\x27\xc4\xdd\x55\x93\x21\x76\xbb\x0e\xcd\xbd\x50\x41\xfc\x82", 2}, /* 7.1 */
};

struct ka_orc {
	const uint8_t *ip, *entries;
	uint64_t ip_addr;
	size_t n;
	uint32_t *order;	/* NULL: sorted as it is */
	const struct orc_layout *layout;
};

/* What an entry says, whatever its layout. */
struct entry {
	int16_t sp_offset, bp_offset;
	struct orc_base sp, bp;
	enum { TYPE_UNDEFINED, TYPE_END, TYPE_CALL, TYPE_REGS, TYPE_REGS_PARTIAL, TYPE_BAD } type;
	bool is_signal;
};

static uint16_t u16_at(const uint8_t *p)
{
	return (uint16_t)(p[0] | p[1] << 8);
}

static uint64_t ip_at(const struct ka_orc *o, size_t i)
{
	const uint8_t *p = o->ip + 4 * i;
	uint32_t v = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;

	return o->ip_addr + 4 * i + (uint64_t)(int64_t)(int32_t)v;
}

static struct entry entry_decode(const struct ka_orc *o, size_t i)
{
	const uint8_t *p = o->entries + ENTRY_SIZE * i;
	uint16_t bits = u16_at(p + 4);
	struct entry e = {
		.sp_offset = (int16_t)u16_at(p), .bp_offset = (int16_t)u16_at(p + 2),
		.sp = o->layout->bases[bits & 15], .bp = o->layout->bases[bits >> 4 & 15],
	};

	if (o->layout->is_type3) {
		unsigned type = bits >> 8 & 7;

		e.type = type <= TYPE_REGS_PARTIAL ? type : TYPE_BAD;
		e.is_signal = bits >> 11 & 1;
	} else if (e.sp.base == BASE_NONE) {
		/* "end" is bit 10 at first, bit 11 in 6.3, where bit 10 is "signal": of no use without a register */
		e.type = bits >> 10 & 3 ? TYPE_END : TYPE_UNDEFINED;
	} else {
		unsigned type = bits >> 8 & 3;

		e.type = type == 0 ? TYPE_CALL : type == 1 ? TYPE_REGS : type == 2 ? TYPE_REGS_PARTIAL : TYPE_BAD;
		e.is_signal = type == 1 || type == 2 || (bits >> 10 & 1);
	}
	return e;
}

/* A terminator fills the gap behind an object file, and yields to a real entry of the same address. */
static bool is_terminator(const struct ka_orc *o, size_t i)
{
	return entry_decode(o, i).type == TYPE_UNDEFINED;
}

/*
 * The layout by what entries look like: nearly all are calls that count from the stack pointer. Needed since there are
 * kernels without .orc_header: all before 6.3.10, and RHEL 9.6's 5.14, which has the layout of 6.4.
 */
static const struct orc_layout *layout_guess(const uint8_t *entries, size_t n)
{
	size_t step = n / SAMPLE + 1, votes[3] = { 0 };

	for (size_t i = 0; i < n; i += step) {
		uint16_t bits = u16_at(entries + ENTRY_SIZE * i + 4);
		unsigned sp_reg = bits & 15, type = bits >> 8 & 7;

		votes[0] += sp_reg == 5 && type == 0;
		votes[1] += sp_reg == 5 && type == TYPE_CALL;
		votes[2] += sp_reg == 3 && type == TYPE_CALL;
	}
	size_t best = votes[2] > votes[1] ? 2 : 1;

	return &layouts[votes[0] > votes[best] ? 0 : best];
}

struct pair {
	uint64_t ip;
	uint32_t at;
	uint8_t is_real;
};

static int pair_compare(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->ip != y->ip)
		return x->ip < y->ip ? -1 : 1;
	if (x->is_real != y->is_real)
		return x->is_real ? 1 : -1;
	return x->at < y->at ? -1 : x->at > y->at;
}

/*
 * The build sorts vmlinux's tables only since f14bf6a350df, v5.6; before, and those of modules, the kernel
 * does when it starts.
 */
static void sort_if_needed(struct ka_orc *o)
{
	uint64_t last = 0;
	size_t i;

	for (i = 0; i < o->n; i++) {
		uint64_t ip = ip_at(o, i);

		if (ip < last || (ip == last && i && is_terminator(o, i) && !is_terminator(o, i - 1)))
			break;
		last = ip;
	}
	if (i == o->n)
		return;
	struct pair *pairs = ka_xalloc(o->n * sizeof(*pairs));

	for (i = 0; i < o->n; i++)
		pairs[i] = (struct pair){ ip_at(o, i), (uint32_t)i, !is_terminator(o, i) };
	qsort(pairs, o->n, sizeof(*pairs), pair_compare);
	o->order = ka_xalloc(o->n * sizeof(*o->order));
	for (i = 0; i < o->n; i++)
		o->order[i] = pairs[i].at;
	free(pairs);
}

struct ka_error *ka_orc_open(const uint8_t *ip, size_t ip_size, uint64_t ip_addr, const uint8_t *entries,
			     size_t entries_size, const uint8_t *header, size_t header_size, struct ka_orc **ret)
{
	const struct orc_layout *layout = NULL;
	size_t n = ip_size / 4;

	*ret = NULL;
	if (!n || ip_size % 4 || entries_size % ENTRY_SIZE || entries_size / ENTRY_SIZE != n)
		return ka_error_new(KA_CORRUPT, "ORC tables of %zu and %zu bytes, which do not fit together", ip_size,
				    entries_size);
	if (n > ENTRY_MAX)
		return ka_error_new(KA_CORRUPT, "ORC tables claim %zu entries", n);
	for (size_t i = 0; header && header_size >= sizeof(hashes[i].hash) && i < KA_COUNT(hashes); i++)
		if (!memcmp(header, hashes[i].hash, sizeof(hashes[i].hash)))
			layout = &layouts[hashes[i].layout];
	if (!layout) {
		layout = layout_guess(entries, n);
		ka_log(header ? 1 : 2, "ORC: %s, taken for the layout of %s by its entries",
		       header ? ".orc_header has an unknown hash" : "no .orc_header", layout->name);
	}
	struct ka_orc *o = ka_xalloc(sizeof(*o));

	*o = (struct ka_orc){ .ip = ip, .entries = entries, .ip_addr = ip_addr, .n = n, .layout = layout };
	sort_if_needed(o);
	ka_log(2, "ORC: %zu entries, layout of %s%s", n, layout->name, o->order ? ", sorted" : "");
	*ret = o;
	return NULL;
}

void ka_orc_close(struct ka_orc *o)
{
	if (!o)
		return;
	free(o->order);
	free(o);
}

static struct ka_error *bad_entry(uint64_t addr, size_t i, const char *what)
{
	return ka_error_at(KA_CORRUPT, KA_SPACE_VIRT, addr, "ORC entry %zu at %#llx has %s", i,
			   (unsigned long long)addr, what);
}

struct ka_error *ka_orc_rules(struct ka_orc *o, uint64_t addr, struct ka_frame_rules *ret)
{
	size_t low = 0, high = o->n;

	memset(ret, 0, sizeof(*ret));
	ret->ra_reg = RA;
	/* the last entry at or below; of several at one address the last */
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (ip_at(o, o->order ? o->order[mid] : mid) <= addr)
			low = mid + 1;
		else
			high = mid;
	}
	if (!low)
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr, "no ORC entry covers %#llx",
				   (unsigned long long)addr);
	size_t i = o->order ? o->order[low - 1] : low - 1;
	struct entry e = entry_decode(o, i);

	switch (e.type) {
	case TYPE_UNDEFINED:
		return ka_error_at(KA_NOT_FOUND, KA_SPACE_VIRT, addr, "ORC says nothing of %#llx",
				   (unsigned long long)addr);
	case TYPE_BAD:
		return bad_entry(addr, i, "an unknown type");
	case TYPE_END:
		ret->is_end = true;
		return NULL;
	default:
		break;
	}

	switch (e.sp.base) {
	case BASE_REG:
		ret->cfa_reg = e.sp.reg;
		ret->cfa_offset = e.sp_offset;
		break;
	case BASE_BP_INDIRECT:
		ret->cfa_reg = RBP;
		ret->cfa_offset = e.sp_offset;
		ret->is_cfa_deref = true;
		break;
	case BASE_SP_INDIRECT:
		/*
		 * Where the stack was switched, its old pointer lies on top of the new: CFA = *sp + offset
		 * (87ccc826bf1c, v5.12). Before, it was *(sp + offset), and only used with register blocks, up to v5.7.
		 */
		ret->cfa_reg = RSP;
		ret->is_cfa_deref = true;
		if (e.type == TYPE_CALL)
			ret->cfa_deref_offset = e.sp_offset;
		else
			ret->cfa_offset = e.sp_offset;
		break;
	default:
		return bad_entry(addr, i, "an unknown base for the stack pointer");
	}

	ret->is_signal = e.is_signal;
	for (unsigned r = RAX; r <= R15; r++)
		ret->reg[r].kind = KA_RULE_UNKNOWN;	/* ORC follows rsp, rbp and rip only */
	ret->reg[RBP].kind = KA_RULE_SAME;
	if (e.type == TYPE_CALL) {
		ret->reg[RA] = (struct ka_rule){ .kind = KA_RULE_CFA_OFFSET, .n = -8 };
		ret->reg[RSP] = (struct ka_rule){ .kind = KA_RULE_VALUE, .n = 0 };
	} else {
		ret->is_pt_regs = true;
		ret->is_partial = e.type == TYPE_REGS_PARTIAL;
	}
	switch (e.bp.base) {
	case BASE_NONE:
		break;
	case BASE_PREV_SP:
		ret->reg[RBP] = (struct ka_rule){ .kind = KA_RULE_CFA_OFFSET, .n = e.bp_offset };
		break;
	case BASE_REG:
		/* functions that align their stack keep the caller's rbp at *rbp while the CFA counts from r10 */
		ret->reg[RBP] = (struct ka_rule){ .kind = KA_RULE_REG_OFFSET, .reg = e.bp.reg, .n = e.bp_offset };
		break;
	default:
		ret->reg[RBP].kind = KA_RULE_UNKNOWN;	/* the frame itself is still good */
	}
	return NULL;
}
