/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an x86_64 instruction ends, from the opcode maps alone: capstone gives up on what is newer than it is, and one
 * unknown instruction must not lose the boundaries of those behind it.
 */
#include "code.h"

enum { NONE, MODRM = 1, IMM8 = 2, IMM16 = 4, IMMZ = 8 /* 2 or 4 */, IMMV = 16 /* 2, 4 or 8 */, MOFFS = 32, REL32 = 64, BAD = 128 };

static unsigned shape_one(uint8_t op)
{
	static const uint8_t high[0x90] = {
		/* 70 */ [0x00 ... 0x0f] = IMM8,
		/* 80 */ [0x10] = MODRM | IMM8, MODRM | IMMZ, BAD, MODRM | IMM8, [0x14 ... 0x1f] = MODRM,
		/* 90 */ [0x2a] = BAD,
		/* a0 */ [0x30 ... 0x33] = MOFFS, [0x38] = IMM8, IMMZ,
		/* b0 */ [0x40 ... 0x47] = IMM8, [0x48 ... 0x4f] = IMMV,
		/* c0 */ [0x50] = MODRM | IMM8, MODRM | IMM8, IMM16, NONE, BAD, BAD, MODRM | IMM8, MODRM | IMMZ,
		[0x58] = IMM16 | IMM8, NONE, IMM16, NONE, NONE, IMM8, BAD, NONE,
		/* d0 */ [0x60 ... 0x63] = MODRM, [0x64 ... 0x66] = BAD, [0x68 ... 0x6f] = MODRM,
		/* e0 */ [0x70 ... 0x77] = IMM8, [0x78] = REL32, REL32, BAD, IMM8,
		/* f0 */ [0x86] = MODRM, MODRM, [0x8e] = MODRM, MODRM,
	};

	if (op < 0x40) {
		static const uint8_t low[8] = { MODRM, MODRM, MODRM, MODRM, IMM8, IMMZ, BAD, BAD };

		return low[op & 7];
	}
	if (op < 0x60)
		return NONE;
	if (op < 0x70) {
		static const uint8_t row[16] = {
			BAD, BAD, BAD, MODRM, BAD, BAD, BAD, BAD, IMMZ, MODRM | IMMZ, IMM8, MODRM | IMM8,
		};

		return row[op & 15];
	}
	return high[op - 0x70];
}

static unsigned shape_0f(uint8_t op)
{
	switch (op) {
	case 0x04: case 0x0a: case 0x0c: case 0x24 ... 0x27: case 0x36: case 0x39: case 0x3b ... 0x3f: case 0x7a: case 0x7b:
		return BAD;
	case 0x05 ... 0x09: case 0x0b: case 0x0e: case 0x30 ... 0x35: case 0x37: case 0x77: case 0xa0 ... 0xa2:
	case 0xa8 ... 0xaa: case 0xc8 ... 0xcf:
		return NONE;
	case 0x80 ... 0x8f:
		return REL32;
	case 0x0f: case 0x70 ... 0x73: case 0xa4: case 0xac: case 0xba: case 0xc2: case 0xc4 ... 0xc6:
		return MODRM | IMM8;
	default:
		return MODRM;
	}
}

static bool parse_vex(const uint8_t *b, size_t size, size_t *at, struct ka_x86_parts *ret)
{
	size_t i = *at;

	ret->vex = b[i];
	if (b[i] == 0xc5) {
		if (i + 2 >= size)
			return false;
		ret->rex = 0x40 | (b[i + 1] & 0x80 ? 0 : 4);
		ret->map = 1;
		ret->vvvv = ~b[i + 1] >> 3 & 15;
		ret->vl = b[i + 1] >> 2 & 1;
		ret->pp = b[i + 1] & 3;
		*at = i + 2;
		return true;
	}
	if (b[i] == 0xc4) {
		if (i + 3 >= size)
			return false;
		ret->rex = 0x40 | (~b[i + 1] >> 5 & 7) | (b[i + 2] & 0x80 ? 8 : 0);
		ret->map = b[i + 1] & 31;
		ret->vvvv = ~b[i + 2] >> 3 & 15;
		ret->vl = b[i + 2] >> 2 & 1;
		ret->pp = b[i + 2] & 3;
		*at = i + 3;
		return ret->map >= 1 && ret->map <= 3;
	}
	if (i + 4 >= size)
		return false;
	ret->rex = 0x40 | (~b[i + 1] >> 5 & 7) | (b[i + 2] & 0x80 ? 8 : 0);
	ret->map = b[i + 1] & 7;
	ret->vvvv = (~b[i + 2] >> 3 & 15) | (b[i + 3] & 8 ? 0 : 16);
	ret->vl = b[i + 3] >> 5 & 3;
	ret->pp = b[i + 2] & 3;
	ret->evex_z_aaa_b = b[i + 3] & 0x97;
	*at = i + 4;
	/* map 4 is APX: legacy instructions again, which no kernel has yet */
	return ret->map >= 1 && ret->map <= 6 && ret->map != 4 && (b[i + 2] & 4);
}

static int64_t extended(const uint8_t *b, unsigned size)
{
	uint64_t v = 0;

	for (unsigned i = 0; i < size; i++)
		v |= (uint64_t)b[i] << (8 * i);
	return size ? (int64_t)(v << (64 - 8 * size)) >> (64 - 8 * size) : 0;
}

static bool parse_prefixes(const uint8_t *b, size_t size, size_t *at, struct ka_x86_parts *ret)
{
	for (; *at < size && *at < 14; ++*at) {
		switch (b[*at]) {
		case 0x26: case 0x2e: case 0x36: case 0x3e: case 0x64: case 0x65:
			ret->segment = b[*at];
			break;
		case 0x66:
			ret->has_66 = true;
			break;
		case 0x67:
			ret->has_67 = true;
			break;
		case 0xf0:
			ret->has_lock = true;
			break;
		case 0xf2: case 0xf3:
			ret->rep = b[*at];
			break;
		default:
			return true;
		}
		ret->prefixes[ret->prefix_count++] = b[*at];
	}
	return false;
}

static bool parse_modrm(const uint8_t *b, size_t size, size_t *at, struct ka_x86_parts *ret)
{
	unsigned mod, rm;

	if (*at >= size)
		return false;
	ret->has_modrm = true;
	ret->modrm = b[(*at)++];
	mod = ret->modrm >> 6;
	rm = ret->modrm & 7;
	if (mod == 3)
		return true;
	if (rm == 4) {
		if (*at >= size)
			return false;
		ret->has_sib = true;
		ret->sib = b[(*at)++];
		rm = ret->sib & 7;
	}
	ret->disp_size = mod == 1 ? 1 : mod == 2 || rm == 5 ? 4 : 0;
	ret->disp_at = (uint8_t)*at;
	*at += ret->disp_size;
	return true;
}

static unsigned shape_of(const struct ka_x86_parts *p)
{
	if (p->vex) {
		if (p->map == 3)
			return MODRM | IMM8;
		if (p->map == 1 && p->opcode == 0x77)
			return NONE;
		return p->map == 1 ? MODRM | (shape_0f(p->opcode) & IMM8) : MODRM;
	}
	switch (p->map) {
	case 0:
		return shape_one(p->opcode);
	case 1:
		return shape_0f(p->opcode);
	case 2:
		return MODRM;
	default:
		return MODRM | IMM8;
	}
}

void ka_x86_parse(const uint8_t *b, size_t size, struct ka_x86_parts *ret)
{
	size_t at = 0;
	unsigned shape;

	memset(ret, 0, sizeof(*ret));
	size = KA_MIN(size, (size_t)15);
	if (!parse_prefixes(b, size, &at, ret))
		return;
	if ((b[at] & 0xf0) == 0x40) {
		ret->rex = b[at++];
		if (at >= size)
			return;
	}
	if ((b[at] == 0xc4 || b[at] == 0xc5 || b[at] == 0x62)) {
		if (ret->rex || !parse_vex(b, size, &at, ret))
			return;
	} else if (b[at] == 0x0f) {
		ret->map = 1;
		if (++at >= size)
			return;
		if (b[at] == 0x38 || b[at] == 0x3a) {
			ret->map = b[at] == 0x38 ? 2 : 3;
			at++;
		}
	}
	if (at >= size)
		return;
	ret->opcode_at = (uint8_t)at;
	ret->opcode = b[at++];
	shape = shape_of(ret);
	if (shape & BAD)
		return;
	if (shape & MODRM && !parse_modrm(b, size, &at, ret))
		return;
	/* test is the only one of its group with an immediate */
	if (!ret->map && !ret->vex && (ret->opcode & 0xfe) == 0xf6 && (ret->modrm >> 3 & 7) < 2)
		shape |= ret->opcode & 1 ? IMMZ : IMM8;
	bool is_16 = ret->has_66 && !(ret->rex & 8);

	ret->imm_at = (uint8_t)at;
	ret->imm_size = (shape & IMM8 ? 1 : 0) + (shape & IMM16 ? 2 : 0) + (shape & IMMZ ? is_16 ? 2 : 4 : 0) + (shape & REL32 ? 4 : 0) +
			(shape & IMMV ? ret->rex & 8 ? 8 : is_16 ? 2 : 4 : 0) + (shape & MOFFS ? ret->has_67 ? 4 : 8 : 0);
	at += ret->imm_size;
	if (at > size)
		return;
	ret->disp = extended(b + ret->disp_at, ret->disp_size);
	ret->imm = extended(b + ret->imm_at, ret->imm_size);
	ret->length = (uint8_t)at;
}
