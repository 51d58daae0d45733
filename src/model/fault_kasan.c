/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* KASAN's shadow (generic mode, x86_64): one byte for eight says which of them may be touched, or why none may. */
#include <kanalyze/symbol.h>
#include "fault.h"

#define SHADOW_OFFSET 0xdffffc0000000000	/* that of the build: CONFIG_KASAN_SHADOW_OFFSET, the same in all of them */

static bool has_shadow(struct ka_kernel *k)
{
	struct ka_symbol s;

	return !ka_fault_is_aarch64(k) && ka_symbol_lookup(k, "kasan_report", &s);
}

/*
 * The shadow of user and non-canonical addresses is non-canonical itself; that of the kernel's, with four or five levels of page tables, begins
 * behind the array of struct page.
 */
bool ka_kasan_of_shadow(struct ka_kernel *k, ka_addr at, ka_addr *ret)
{
	if (at < SHADOW_OFFSET || at >= SHADOW_OFFSET + (1ull << 61) || !has_shadow(k) ||
	    (at >= 0xff00000000000000 && at < (at >= 0xffff000000000000 ? 0xffffec0000000000 : 0xffdf000000000000)))
		return false;
	*ret = (at - SHADOW_OFFSET) << 3;
	return true;
}

bool ka_kasan_shadow(struct ka_kernel *k, ka_addr at, uint8_t *ret)
{
	return has_shadow(k) && ka_is_kernel_addr(k, at) && !ka_error_drop(ka_read(k, SHADOW_OFFSET + (at >> 3), ret, 1));
}

/* mm/kasan/kasan.h */
const char *ka_kasan_shadow_text(struct ka_arena *a, uint8_t byte)
{
	switch (byte) {
	case 0: return NULL;
	case 1 ... 7: return ka_printf(a, "only the first %u of these 8 bytes may be touched", byte);
	case 0xff: return "a page that is free";
	case 0xfe: return "behind a large allocation";
	case 0xfc: return "between objects";
	case 0xfb: case 0xfa: return "a freed object";
	case 0xf9: return "behind a global variable";
	case 0xf8: return "vmalloc's, not allocated, or a variable out of its scope";
	case 0xf1: return "below the first variable of a stack frame";
	case 0xf2: case 0xf4: return "between variables of a stack frame";
	case 0xf3: return "above the last variable of a stack frame";
	case 0xca: case 0xcb: return "beside what alloca() gave";
	default: return NULL;
	}
}

bool ka_kasan_is_freed(struct ka_kernel *k, ka_addr object, bool *ret_has_track)
{
	uint8_t byte;

	/* fa: KASAN wrote over the object who freed it (b556a462eb8d, v5.17: again a byte of its own) */
	if (!ka_kasan_shadow(k, object, &byte) || (byte != 0xfa && byte != 0xfb))
		return false;
	*ret_has_track = byte == 0xfa;
	return true;
}
